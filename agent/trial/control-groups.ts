/**
 * The control groups in which trials run, so that together they take no more of the host than they may: one group with the
 * limits, by version 2 (`cpu.max`, `memory.max`) or 1 (`cpu.cfs_quota_us`, `memory.limit_in_bytes`), and in it one for each
 * process. Where there are none, the kernel is asked to let others go first (nice), and that is said.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, messageOf } from "../../common/errors.ts";

const PERIOD_US = 100_000;
/** Without groups: behind all that has not asked for less. */
const NICE = 15;
/** A group is busy for a moment after its last process has ended. */
const REMOVE_TRIES = 50;
const REMOVE_MS = 20;

export interface ControlGroupOptions {
	/** Below the roots of the hierarchies; the agent makes it where it is not there. */
	readonly name: string;
	/** Share of all processors, above 0 and at most 1. */
	readonly cpuShare: number;
	/** Of the host. */
	readonly processors: number;
	readonly memoryBytes: number;
	/** Where the hierarchies are mounted. */
	readonly root?: string;
}

/** A group for one process or a few that belong together; removed when they have ended. */
export interface ControlGroup extends AsyncDisposable {
	/** Files that take the number of a process. */
	readonly joins: readonly string[];
}

export class ControlGroups implements AsyncDisposable {
	/** Folders of the group with the limits, one a hierarchy. */
	readonly #folders: readonly string[];
	/** What cannot be limited, and why, for people. */
	readonly problems: readonly string[];
	/** Processes are to be started with. */
	readonly nice: number;

	private constructor(folders: readonly string[], problems: readonly string[]) {
		this.#folders = folders;
		this.problems = problems;
		this.nice = problems.some((problem) => problem.startsWith("cpu")) ? NICE : 0;
	}

	/** Removes what an agent that was killed left there. Never throws: what cannot be had is a problem that is told. */
	static async open(options: ControlGroupOptions): Promise<ControlGroups> {
		const { name, cpuShare, processors, memoryBytes, root = "/sys/fs/cgroup" } = options;
		const quota = String(Math.max(1000, Math.round(cpuShare * processors * PERIOD_US)));
		const folders: string[] = [];
		const problems: string[] = [];
		const limit = async (what: string, folder: string, files: readonly (readonly [string, string])[]) => {
			try {
				await mkdir(folder, { recursive: true });
				for (const [file, value] of files) await writeFile(join(folder, file), value);
				if (!folders.includes(folder)) folders.push(folder);
			} catch (error) {
				problems.push(`${what} of trials cannot be limited by a control group: ${messageOf(error)}`);
			}
		};
		if (existsSync(join(root, "cgroup.controllers"))) {
			const folder = join(root, name);
			// Fails where they are handed on already, or by whoever owns the root.
			await writeFile(join(folder, "..", "cgroup.subtree_control"), "+cpu +memory").catch(() => undefined);
			await limit("cpu", folder, [["cpu.max", `${quota} ${PERIOD_US}`]]);
			await limit("memory", folder, [["memory.max", String(memoryBytes)]]);
			// So that each clone's own group can limit it further; nothing is in this one itself.
			await writeFile(join(folder, "cgroup.subtree_control"), "+cpu").catch(() => undefined);
		} else {
			const quotas = [["cpu.cfs_period_us", String(PERIOD_US)] as const, ["cpu.cfs_quota_us", quota] as const];
			await limit("cpu", join(root, "cpu", name), quotas);
			await limit("memory", join(root, "memory", name), [["memory.limit_in_bytes", String(memoryBytes)]]);
			// Beside version 1 there may be version 2 without controllers: it limits nothing, but can have threads stand still.
			const unified = join(root, "unified", name);
			if (existsSync(join(root, "unified", "cgroup.procs"))) {
				await mkdir(unified, { recursive: true }).then(
					() => folders.push(unified),
					() => undefined,
				);
			}
		}
		for (const folder of folders) {
			for (const entry of await readdir(folder, { withFileTypes: true })) {
				// One that is not empty is not removed.
				if (entry.isDirectory()) await removeEmpty(join(folder, entry.name)).catch(() => undefined);
			}
		}
		return new ControlGroups(folders, problems);
	}

	/** Takes the groups away where nothing is in them any more. */
	async [Symbol.asyncDispose](): Promise<void> {
		for (const folder of this.#folders) await removeGroup(folder);
	}

	/** @param label tells it from all others */
	async make(label: string): Promise<ControlGroup> {
		const made: string[] = [];
		for (const folder of this.#folders) {
			const own = join(folder, label);
			await mkdir(own, { recursive: true });
			made.push(own);
		}
		return {
			joins: made.map((folder) => join(folder, "cgroup.procs")),
			[Symbol.asyncDispose]: async () => {
				for (const folder of made) await removeGroup(folder);
			},
		};
	}
}

/** Leaves it where something is still in it. */
export async function removeGroup(folder: string): Promise<void> {
	for (let at = 0; at < REMOVE_TRIES; at++) {
		try {
			await removeEmpty(folder);
			return;
		} catch (error) {
			if (errnoOf(error) !== "EBUSY") return;
			await sleep(REMOVE_MS);
		}
	}
}

/** With the groups for threads that are in it. */
async function removeEmpty(folder: string): Promise<void> {
	for (const entry of await readdir(folder, { withFileTypes: true })) {
		if (entry.isDirectory()) await rmdir(join(folder, entry.name));
	}
	await rmdir(folder);
}
