/**
 * Requests of a disk that take longer. QEMU can hold requests back to a rate, but not answer each late; so the clone's image is
 * handed to a server of its own (qemu-nbd), and QEMU speaks to it over a line that the agent delays (delay-line.ts). While the image
 * changes hands the guest stands still, for some tenths of a second.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UmbraError } from "../../../common/errors.ts";
import { createRandom } from "../../../common/random.ts";
import type { LeverValues } from "../../../common/trial/schedule.ts";
import type { Clone } from "../clone.ts";
import type { PlannedDisk } from "../clone-plan.ts";
import type { TrialProcess } from "../process.ts";
import { CloneDisks } from "./clone-disks.ts";
import { DelayLine } from "./delay-line.ts";
import type { Lever, LeverMove, LeverTarget } from "./lever.ts";

/** A loaded host takes seconds for what takes milliseconds. */
const SERVER_MS = 20_000;
const LOOK_MS = 5;

/** An image in the hands of a server, and the line to it. */
interface Handed {
	readonly disk: PlannedDisk;
	/** QEMU's node of the line. */
	readonly node: string;
	readonly server: TrialProcess;
	readonly line: DelayLine;
	readonly forget: () => void;
}

export class DiskLatency implements Lever {
	readonly #clone: Clone;
	readonly #disks: CloneDisks;
	readonly #handed = new Map<PlannedDisk, Handed>();
	static #next = 0;

	constructor({ clone }: LeverTarget) {
		this.#clone = clone;
		this.#disks = CloneDisks.of(clone);
	}

	async apply({ values, seed, signal }: LeverMove): Promise<LeverValues> {
		const random = createRandom(seed);
		const begun = performance.now();
		const missing = this.#disks.select(values["disk"]).filter((disk) => !this.#handed.has(disk));
		if (missing.length > 0) await this.#standing(() => this.#handOver(missing, random.fraction, signal));
		for (const { line } of this.#handed.values()) {
			line.delayMs = Number(values["ms"] ?? 0);
			line.jitterMs = Number(values["jitterMs"] ?? 0);
		}
		return missing.length === 0 ? {} : { stoodMs: Math.round(performance.now() - begun) };
	}

	async verify(): Promise<void> {
		for (const { disk, node, server } of this.#handed.values()) {
			const path = await this.#disks.path(disk);
			if (path.at(-1)?.name === node && !server.hasEnded) continue;
			throw new UmbraError(
				"unavailable",
				`disk ${disk.disk}: QEMU's requests go to ${path.at(-1)?.name}, not to ${node}`,
			);
		}
	}

	async revert(): Promise<void> {
		if (this.#handed.size === 0) return;
		await this.#standing(async () => {
			for (const handed of this.#handed.values()) await this.#takeBack(handed);
		});
		for (const disk of this.#disks.select(undefined)) {
			const last = (await this.#disks.path(disk)).at(-1);
			if (last?.driver === "nbd" && [...this.#handed.keys()].includes(disk)) {
				throw new UmbraError("unavailable", `disk ${disk.disk}: QEMU's requests still go to ${last.name}`);
			}
		}
	}

	/** While the guest stands, and all that it wrote is in the image. */
	async #standing(work: () => Promise<void>): Promise<void> {
		const { qmp } = this.#clone;
		await this.#disks.exclusively(async () => {
			const { running } = (await qmp.execute("query-status")) as { running?: boolean };
			if (running === true) await qmp.execute("stop");
			try {
				await work();
			} finally {
				if (running === true) await qmp.execute("cont");
			}
		});
	}

	async #handOver(disks: readonly PlannedDisk[], random: () => number, signal: AbortSignal): Promise<void> {
		const { qmp, folder } = this.#clone;
		for (const disk of disks) {
			if ((await this.#disks.path(disk)).at(-1)?.driver !== "qcow2") {
				throw new UmbraError("conflict", `disk ${disk.disk}: another lever delays it already`);
			}
			await using undo = new AsyncDisposableStack();
			const number = DiskLatency.#next++;
			const [socket, node] = [`s${number}`, `umbra-l${number}`];
			const { "node-name": image, ...options } = disk.node;
			const server = undo.use(
				await this.#clone.helper(
					[
						"qemu-nbd",
						"-k",
						join(folder, socket),
						"-t",
						"-x",
						"x",
						"--discard=unmap",
						`json:${JSON.stringify(options)}`,
					],
					`${socket}.log`,
				),
			);
			const line = undo.use(await this.#line(`l${number}`, socket, server, random, signal));
			await qmp.execute("blockdev-add", {
				...{ driver: "nbd", "node-name": node, export: "x", discard: "unmap" },
				server: { type: "unix", path: `l${number}` },
			});
			undo.defer(async () => void (await qmp.execute("blockdev-del", { "node-name": node })));
			await this.#disks.setBase(disk, node);
			undo.move();
			const forget = this.#disks.onHurry(() => line.hurry());
			this.#handed.set(disk, { disk, node, server, line, forget });
			await qmp.execute("blockdev-del", { "node-name": image });
		}
	}

	async #takeBack({ disk, node, server, line, forget }: Handed): Promise<void> {
		const { qmp } = this.#clone;
		// Whatever is still to be written in the server is, since all was flushed when the guest stood still.
		await qmp.execute("blockdev-add", disk.node);
		await this.#disks.setBase(disk, disk.node["node-name"]);
		await qmp.execute("blockdev-del", { "node-name": node });
		this.#handed.delete(disk);
		forget();
		await line[Symbol.asyncDispose]();
		server.child.kill("SIGTERM");
		await server[Symbol.asyncDispose]();
	}

	async #line(path: string, socket: string, server: TrialProcess, random: () => number, signal: AbortSignal) {
		const { folder } = this.#clone;
		const deadline = performance.now() + SERVER_MS;
		for (;;) {
			signal.throwIfAborted();
			try {
				return await DelayLine.listen({ path: join(folder, path), server: join(folder, socket), random });
			} catch (error) {
				if (!server.hasEnded && performance.now() < deadline) {
					await sleep(LOOK_MS);
					continue;
				}
				throw new UmbraError("unavailable", `qemu-nbd does not serve the disk: ${await server.said()}`, {
					cause: error,
					hint: "apt-get install qemu-utils",
				});
			}
		}
	}
}
