/**
 * The threads in which a clone's vCPUs run, and the control groups that levers put them into: QEMU's other threads, which do its
 * disks and its monitor, stay where they are.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { errnoOf, messageOf, UmbraError } from "../../../common/errors.ts";
import { parse } from "../../hypervisor/block-graph.ts";
import type { Clone } from "../clone.ts";

const PERIOD_US = 100_000;
/** The kernel takes no less. */
const MIN_QUOTA_US = 1000;

const cpus = z.array(z.object({ "cpu-index": z.number(), "thread-id": z.number() }));

export interface Vcpu {
	readonly index: number;
	/** Of the host. Emulation may run several in one. */
	readonly thread: number;
}

/** @throws UmbraError `unavailable`. */
export async function vcpusOf({ qmp }: Clone): Promise<readonly Vcpu[]> {
	return parse(cpus, await qmp.execute("query-cpus-fast"), "query-cpus-fast").map((cpu) => ({
		index: cpu["cpu-index"],
		thread: cpu["thread-id"],
	}));
}

/** How much processor time a clone's vCPUs may use. Of several that limit it the lowest counts. */
export class CpuQuota {
	static readonly #known = new WeakMap<Clone, CpuQuota>();
	readonly #clone: Clone;
	readonly #wanted = new Map<object, number>();
	/** What was written last, "5000 100000" or "max". */
	#written = "";

	private constructor(clone: Clone) {
		this.#clone = clone;
	}

	static of(clone: Clone): CpuQuota {
		const known = CpuQuota.#known.get(clone) ?? new CpuQuota(clone);
		CpuQuota.#known.set(clone, known);
		return known;
	}

	/**
	 * @param percent of the time that all vCPUs could use; undefined: no limit of `owner`'s any more
	 * @throws UmbraError `unsupported` where the clone has no control group, `unavailable`.
	 */
	async set(owner: object, percent: number | undefined): Promise<void> {
		if (percent === undefined && !this.#wanted.delete(owner)) return;
		if (percent !== undefined) this.#wanted.set(owner, percent);
		const group = await this.#group();
		const least = Math.min(...this.#wanted.values());
		const threads = new Set((await vcpusOf(this.#clone)).map(({ thread }) => thread));
		const quota = Math.max(MIN_QUOTA_US, Math.round((least / 100) * threads.size * PERIOD_US));
		const isLimited = this.#wanted.size > 0;
		await translated("limit", async () => {
			if (group.isUnified) {
				this.#written = `${isLimited ? quota : "max"} ${PERIOD_US}`;
				await writeFile(join(group.folder, "cpu.max"), this.#written);
			} else {
				this.#written = String(isLimited ? quota : -1);
				await writeFile(join(group.folder, "cpu.cfs_quota_us"), this.#written);
			}
			for (const thread of threads) await writeFile(join(group.folder, group.joins), String(thread));
		});
	}

	/** Asks the kernel. @throws UmbraError `unavailable` where it has another limit, or a vCPU is not under it. */
	async verify(): Promise<void> {
		if (this.#written === "") return;
		const { folder, isUnified, joins } = await this.#group();
		const found = (await readFile(join(folder, isUnified ? "cpu.max" : "cpu.cfs_quota_us"), "utf8")).trim();
		const members = (await readFile(join(folder, joins), "utf8")).split("\n");
		const stray = (await vcpusOf(this.#clone)).find(({ thread }) => !members.includes(String(thread)));
		if (found === this.#written && stray === undefined) return;
		const what =
			stray === undefined ? `the limit is ${found}; wanted ${this.#written}` : `vCPU ${stray.index} is not in it`;
		throw new UmbraError("unavailable", `${folder}: ${what}`, { context: { path: folder } });
	}

	async #group(): Promise<{ readonly folder: string; readonly isUnified: boolean; readonly joins: string }> {
		const own = this.#clone.groups.find((folder) =>
			["cpu.max", "cpu.cfs_quota_us"].some((file) => existsSync(join(folder, file))),
		);
		if (own === undefined) {
			throw new UmbraError("unsupported", "the clone has no control group for processors", {
				hint: "let the agent make control groups: it needs to be root, or a delegated group",
			});
		}
		const isUnified = existsSync(join(own, "cpu.max"));
		const folder = await threadGroup(own, "vcpus", isUnified);
		if (isUnified) await translated("limit", () => writeFile(join(own, "cgroup.subtree_control"), "+cpu"));
		return { folder, isUnified, joins: isUnified ? "cgroup.threads" : "tasks" };
	}
}

/** A group for threads below a clone's own. It goes with the clone. @throws UmbraError `unavailable`. */
export async function threadGroup(own: string, name: string, isUnified: boolean): Promise<string> {
	const folder = join(own, name);
	await translated("group", async () => {
		await mkdir(folder, { recursive: true });
		if (isUnified && (await readFile(join(folder, "cgroup.type"), "utf8")).trim() !== "threaded") {
			await writeFile(join(folder, "cgroup.type"), "threaded");
		}
	});
	return folder;
}

async function translated(what: string, work: () => Promise<void>): Promise<void> {
	try {
		await work();
	} catch (cause) {
		const code = errnoOf(cause) === "EOPNOTSUPP" ? "unsupported" : "unavailable";
		throw new UmbraError(code, `the kernel refuses a ${what} for vCPUs: ${messageOf(cause)}`, { cause });
	}
}
