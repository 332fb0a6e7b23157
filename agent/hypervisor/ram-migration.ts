/**
 * A machine's RAM and devices at one instant, while it goes on running: QEMU's background snapshot. QEMU saves its
 * devices, write-protects all RAM (userfaultfd), lets the guest go on, and sends page after page; what the guest wants to
 * write to is sent first. See docs/decisions/0012-state-capture.md.
 *
 * Once begun it has to come to its end: where its stream is cut, or it is cancelled, QEMU 7.2 leaves RAM write-protected
 * and nobody lifts that, so that the guest hangs for ever. So QEMU writes to a process of its own (`ram-relay.ts`), which goes
 * on to take the stream where nobody reads it any more, be the agent killed; and nothing here ever cancels.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { parse, queryNodes } from "./block-graph.ts";
import type { RamRequest } from "./hypervisor.ts";
import type { QmpClient } from "./qmp.ts";
import { RamRelay } from "./ram-relay.ts";

/** A node that exists while QEMU's settings for migrations are ours; the bandwidth that was set before follows it. */
const SETTINGS_MARK = "umbra-ram-";
const CAPABILITY = "background-snapshot";
/** None: the guest waits for what is not sent. */
const MAX_BANDWIDTH = 2 ** 40;
const LOOK_MS = 2;
/** A machine that QEMU does not let go on for so long is let go on by us. */
const MAX_PAUSE_MS = 10_000;
const END_LOOK_MS = 10;

const migrationShape = z.object({
	status: z.string().default("none"),
	"error-desc": z.string().optional(),
	"blocked-reasons": z.array(z.string()).default([]),
	ram: z.object({ normal: z.number(), duplicate: z.number() }).optional(),
});
const memoryShape = z.array(z.object({ id: z.string().default(""), share: z.boolean(), size: z.number() }));
const capabilitiesShape = z.array(z.object({ capability: z.string(), state: z.boolean() }));

export class RamMigration implements AsyncDisposable {
	readonly #qmp: QmpClient;
	readonly #path: string;
	readonly #request: RamRequest;
	#hasSettings = false;
	#relay: RamRelay | undefined;
	#reading: Promise<void> | undefined;

	private constructor(qmp: QmpClient, path: string, request: RamRequest) {
		this.#qmp = qmp;
		this.#path = path;
		this.#request = request;
	}

	/**
	 * Sees whether the machine can be captured so, and makes QEMU ready; the guest notices nothing yet.
	 *
	 * @param path of a socket to which QEMU shall bring its stream; nothing is there
	 * @throws UmbraError `unsupported` with the reason for a machine that cannot be captured, or not without a long pause;
	 * `conflict` while it is migrated by somebody else or does not run.
	 */
	static async prepare(qmp: QmpClient, path: string, request: RamRequest): Promise<RamMigration> {
		await refuse(qmp, request);
		const migration = new RamMigration(qmp, path, request);
		try {
			migration.#relay = await RamRelay.start(path);
			await migration.#set();
			return migration;
		} catch (error) {
			await migration[Symbol.asyncDispose]();
			throw error;
		}
	}

	/**
	 * With the machine stopped: begins the instant, and returns when the guest goes on.
	 *
	 * @throws UmbraError `unavailable` where QEMU cannot; the machine then stands still as before.
	 */
	async begin(): Promise<void> {
		this.#reading = this.#read();
		this.#reading.catch(() => {}); // Whoever waits for the end sees it.
		await this.#qmp.execute("migrate", { uri: `unix:${this.#path}` });
		const deadline = performance.now() + MAX_PAUSE_MS;
		for (;;) {
			const [{ status }, migration] = await Promise.all([this.#status(), this.#look()]);
			if (status === "running") return;
			if (migration.status === "failed" || migration.status === "cancelled") throw failed(migration);
			// Later versions leave a machine stopped that was: once pages come, the instant is behind us.
			const pages = (migration.ram?.normal ?? 0) + (migration.ram?.duplicate ?? 0);
			if (pages > 0 || performance.now() > deadline) {
				await this.#qmp.execute("cont");
				return;
			}
			await sleep(LOOK_MS);
		}
	}

	/** RAM and devices have been read whole. @throws UmbraError `unavailable` with QEMU's reason; what reading failed with. */
	async finished(): Promise<void> {
		await this.#reading;
		const migration = await untilOver(this.#qmp);
		if (migration.status !== "completed") throw failed(migration);
	}

	/** From its first byte on, whatever else there is to do: the guest waits where it writes to a page that was not sent. */
	async #read(): Promise<void> {
		const relay = this.#relay;
		if (relay === undefined) return;
		try {
			await this.#request.read(relay.pieces(), `${this.#path}.scratch`);
		} finally {
			// What nobody reads any more is thrown away.
			relay.close();
		}
	}

	/** Where it was not read to the end, waits until QEMU has sent it all the same. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#relay?.close();
		await this.#reading?.catch(() => {});
		if (this.#hasSettings && !this.#qmp.closed.aborted) await restoreSettings(this.#qmp);
	}

	async #set(): Promise<void> {
		const shape = z.object({ "max-bandwidth": z.number() });
		const before = parse(shape, await this.#qmp.execute("query-migrate-parameters"), "query-migrate-parameters");
		const mark = `${SETTINGS_MARK}${before["max-bandwidth"]}`;
		await this.#qmp.execute("blockdev-add", { driver: "null-co", "node-name": mark, size: 0, "read-zeroes": true });
		this.#hasSettings = true;
		try {
			await this.#qmp.execute("migrate-set-capabilities", { capabilities: [{ capability: CAPABILITY, state: true }] });
		} catch (error) {
			throw new UmbraError("unsupported", `QEMU cannot take a snapshot of RAM in the background: ${messageOf(error)}`, {
				cause: error,
				hint: "it needs Linux 5.7 with userfaultfd, as root or with vm.unprivileged_userfaultfd=1, and RAM that is not on files",
			});
		}
		await this.#qmp.execute("migrate-set-parameters", { "max-bandwidth": MAX_BANDWIDTH });
	}

	async #status(): Promise<{ status?: string }> {
		return (await this.#qmp.execute("query-status")) as { status?: string };
	}

	#look(): Promise<z.output<typeof migrationShape>> {
		return lookAt(this.#qmp);
	}
}

/** Takes back what we, or an agent that died, had set; what is under way is waited for, never cancelled. */
export async function restoreSettings(qmp: QmpClient): Promise<void> {
	for (const { name } of await queryNodes(qmp)) {
		if (!name.startsWith(SETTINGS_MARK)) continue;
		await untilOver(qmp);
		await qmp.execute("migrate-set-capabilities", { capabilities: [{ capability: CAPABILITY, state: false }] });
		await qmp.execute("migrate-set-parameters", { "max-bandwidth": Number(name.slice(SETTINGS_MARK.length)) });
		await qmp.execute("blockdev-del", { "node-name": name });
	}
}

async function untilOver(qmp: QmpClient): Promise<z.output<typeof migrationShape>> {
	for (;;) {
		const migration = await lookAt(qmp);
		if (!isUnderWay(migration.status)) return migration;
		await sleep(END_LOOK_MS);
	}
}

async function lookAt(qmp: QmpClient): Promise<z.output<typeof migrationShape>> {
	return parse(migrationShape, await qmp.execute("query-migrate"), "query-migrate");
}

function isUnderWay(status: string): boolean {
	return ["setup", "active", "cancelling", "device", "wait-unplug", "pre-switchover", "colo"].includes(status);
}

function failed(migration: z.output<typeof migrationShape>): UmbraError {
	const why = migration["error-desc"] ?? migration.status;
	return new UmbraError("unavailable", `QEMU gave up the snapshot of RAM: ${why}`);
}

/** Whatever is known to make a capture impossible, or to make the guest stand still for long. */
async function refuse(qmp: QmpClient, { allowPause }: RamRequest): Promise<void> {
	const { status } = (await qmp.execute("query-status")) as { status?: string };
	if (status !== "running") {
		throw new UmbraError(
			"conflict",
			`the machine is ${status ?? "in no known state"}, and only a running one is captured`,
			{
				hint: "QEMU would let it go on afterwards; resume it first",
			},
		);
	}
	const migration = await lookAt(qmp);
	if (isUnderWay(migration.status)) {
		throw new UmbraError("conflict", "the machine is being migrated or saved by somebody else", {
			hint: "wait until that has ended, then capture again",
		});
	}
	const [reason] = migration["blocked-reasons"];
	if (reason !== undefined) {
		throw new UmbraError("unsupported", `QEMU cannot save this machine's state: ${reason}`, {
			hint: "a device that is passed through (VFIO) and some others have state that QEMU cannot read; its disks can be captured",
		});
	}
	const capabilities = parse(
		capabilitiesShape,
		await qmp.execute("query-migrate-capabilities"),
		"query-migrate-capabilities",
	);
	const others = capabilities.filter(
		({ capability, state }) => state && capability !== CAPABILITY && CLASHES.has(capability),
	);
	if (others.length > 0) {
		const names = others.map(({ capability }) => capability).join(", ");
		throw new UmbraError("conflict", `QEMU is set up for a migration of another kind: ${names}`, {
			hint: "switch it off with migrate-set-capabilities, or wait until whoever set it has ended",
		});
	}
	const shared = parse(memoryShape, await qmp.execute("query-memdev"), "query-memdev").filter(({ share }) => share);
	if (shared.length > 0 && !allowPause) {
		const names = shared.map(({ id }) => id).join(", ");
		throw new UmbraError("unsupported", `the machine's RAM is shared with other processes (${names})`, {
			context: { structure: "query-memdev", found: names },
			hint: "to write-protect it takes some 1.2 ms a MiB, in which the guest stands still; --allow-pause has it done all the same",
		});
	}
}

/** Those with which QEMU 7.2 refuses a background snapshot, or with which its stream is another. */
const CLASHES = new Set([
	"postcopy-ram",
	"dirty-bitmaps",
	"postcopy-blocktime",
	"late-block-activate",
	"return-path",
	"multifd",
	"pause-before-switchover",
	"auto-converge",
	"release-ram",
	"rdma-pin-all",
	"compress",
	"xbzrle",
	"x-colo",
	"validate-uuid",
	"zero-copy-send",
	"x-ignore-shared",
	"mapped-ram",
]);
