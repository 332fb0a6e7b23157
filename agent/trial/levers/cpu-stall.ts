/**
 * vCPUs that do not run for a while, though time goes on. QEMU's own `stop` would stop the guest's clock too, and the guest would
 * notice nothing. All of them: the process is stopped, and with it its disks and its monitor. One of them: its thread is frozen, by
 * version 2 of control groups (the freezer of version 1 would keep a clone from being killed).
 */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, UmbraError } from "../../../common/errors.ts";
import type { LeverValues } from "../../../common/trial/schedule.ts";
import { KernelTree } from "../../proc/tree.ts";
import type { Clone } from "../clone.ts";
import type { Lever, LeverMove, LeverTarget } from "./lever.ts";
import { threadGroup, vcpusOf } from "./vcpus.ts";

/** Until the kernel says that it stands, or goes on. */
const SETTLE_MS = 2000;
const LOOK_MS = 1;
/** A vCPU that is frozen while it holds QEMU's big lock stops all of QEMU: it is let go, and frozen a moment later. */
const ANSWER_MS = 300;
const FREEZE_TRIES = 20;
const NEXT_TRY_MS = 3;

const tree = new KernelTree();

/** What stands: a process, or a thread of it. */
interface Stall {
	hold(): Promise<void>;
	release(): Promise<void>;
	/** As the kernel says. */
	stands(): Promise<boolean>;
}

export class CpuStall implements Lever {
	readonly #clone: Clone;
	#stall: Stall | undefined;
	#timer: NodeJS.Timeout | undefined;
	#untilMs = 0;
	#problem: string | undefined;

	constructor({ clone }: LeverTarget) {
		this.#clone = clone;
	}

	/** Comes back when it stands, and has it go on when the time is over. */
	async apply({ values, signal }: LeverMove): Promise<LeverValues> {
		signal.throwIfAborted();
		await this.#end();
		const { vcpu } = values;
		const stall = vcpu === undefined ? wholeProcess(this.#clone) : await oneThread(this.#clone, Number(vcpu));
		this.#stall = stall;
		await stall.hold();
		const ms = Number(values["ms"]);
		this.#untilMs = performance.now() + ms;
		this.#timer = setTimeout(() => {
			this.#end().catch((error: unknown) => {
				this.#problem = messageOf(error);
			});
		}, ms);
		return {};
	}

	async verify(): Promise<void> {
		// One that is shorter than a look may be over.
		if (this.#stall === undefined || performance.now() >= this.#untilMs) return;
		if (await became(this.#stall, true)) return;
		if (performance.now() < this.#untilMs) throw new UmbraError("unavailable", "the vCPUs still run");
	}

	async revert(): Promise<void> {
		await this.#end();
		const problem = this.#problem;
		this.#problem = undefined;
		if (problem !== undefined) throw new UmbraError("unavailable", problem);
	}

	async #end(): Promise<void> {
		clearTimeout(this.#timer);
		const stall = this.#stall;
		if (stall === undefined) return;
		await stall.release();
		if (!this.#clone.process.hasEnded && !(await became(stall, false))) {
			throw new UmbraError("unavailable", "the vCPUs still stand");
		}
		this.#stall = undefined;
	}
}

async function became(stall: Stall, wanted: boolean): Promise<boolean> {
	for (const deadline = performance.now() + SETTLE_MS; ; await sleep(LOOK_MS)) {
		// Whatever the time: this process may have stood still as well.
		const isLate = performance.now() >= deadline;
		if ((await stall.stands()) === wanted) return true;
		if (isLate) return false;
	}
}

/** How many levers have a process stand: it goes on when the last lets it. */
const holders = new WeakMap<Clone, Set<object>>();

function wholeProcess(clone: Clone): Stall {
	const { child, id } = clone.process;
	const all = holders.get(clone) ?? new Set();
	holders.set(clone, all);
	const own = {};
	return {
		hold: async () => {
			all.add(own);
			if (!child.kill("SIGSTOP")) throw new UmbraError("unavailable", "QEMU has ended");
		},
		release: async () => {
			if (all.delete(own) && all.size === 0) child.kill("SIGCONT");
		},
		stands: async () => {
			// Of another one's it is not ours to end.
			if (!all.has(own) && all.size > 0) return false;
			const stat = tree.text(`/proc/${id.pid}/stat`) ?? "";
			return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) === "T";
		},
	};
}

async function oneThread(clone: Clone, index: number): Promise<Stall> {
	const vcpus = await vcpusOf(clone);
	const vcpu = vcpus.find((each) => each.index === index);
	if (vcpu === undefined) {
		const names = vcpus.map((each) => each.index).join(", ");
		throw new UmbraError("bad-config", `the machine has no vCPU ${index}; it has ${names}`, {
			context: { field: "vcpu", found: index, wanted: names },
		});
	}
	if (vcpus.some((each) => each.index !== index && each.thread === vcpu.thread)) {
		throw new UmbraError("unsupported", `vCPU ${index} shares its thread with others: it cannot be stalled alone`);
	}
	const own = clone.groups.find((folder) => existsSync(join(folder, "cgroup.freeze")));
	if (own === undefined) {
		throw new UmbraError("unsupported", "one vCPU alone can only be stalled by version 2 of control groups", {
			hint: "leave out vcpu, which stalls all of them",
		});
	}
	const folder = await threadGroup(own, `stall-${index}`, true);
	const file = `/proc/${clone.process.id.pid}/task/${vcpu.thread}/cgroup`;
	const before = /^0::(.*)$/m.exec(await readFile(file, "utf8"))?.[1] ?? "";
	// Below the clone's own group, as far as this path goes there.
	const place = before.slice(before.lastIndexOf("/") + 1);
	const home = place !== "" && existsSync(join(own, place)) && !place.startsWith("stall-") ? join(own, place) : own;
	const freeze = async (value: "0" | "1") => await writeFile(join(folder, "cgroup.freeze"), value);
	return {
		hold: async () => {
			await writeFile(join(folder, "cgroup.threads"), String(vcpu.thread));
			for (let at = 0; at < FREEZE_TRIES; at++) {
				await freeze("1");
				const answer = clone.qmp.execute("query-name").then(() => true);
				if (await Promise.race([answer, sleep(ANSWER_MS, false)])) return;
				await freeze("0");
				await answer;
				await sleep(NEXT_TRY_MS);
			}
			throw new UmbraError("unavailable", `vCPU ${index} held QEMU's lock whenever it was to be stalled`);
		},
		release: async () => {
			await freeze("0");
			if (clone.process.hasEnded) return;
			await writeFile(join(home, "cgroup.threads"), String(vcpu.thread));
		},
		stands: async () => /^frozen 1$/m.test(await readFile(join(folder, "cgroup.events"), "utf8")),
	};
}
