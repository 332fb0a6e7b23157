/** Processes of the guest, by the name that the kernel has for them: 15 bytes of it. */
import { isUmbraError, UmbraError } from "../../../../common/errors.ts";
import type { LeverValues } from "../../../../common/trial/schedule.ts";
import type { Lever, LeverMove, LeverTarget } from "../lever.ts";
import { GuestShell, numbersIn, untilFine } from "./shell.ts";

/** `PID BEGAN`: one that goes by the number of another that ended is told from it by when it began, in clock ticks after the guest's boot. */
type GuestProcess = readonly [pid: number, began: number];

/** Of one name; a shell has room for the numbers of so many, and a record for their beginning. */
const MAX_PROCESSES = 1000;
const MAX_TOLD = 20;

/**
 * `look PID` sets $state and $began, or fails. `find_processes NAME` sets $found to "PID BEGAN STATE;..." of all of that name but this
 * shell, the agent that runs it and the kernel's own threads, which have no program. `for_each ACTION PID BEGAN ...` calls "ACTION PID
 * STATE" for each that is still the same.
 */
const PROCESSES = `
look() {
	{ IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	set -f
	set -- \${stat##*) }
	set +f
	state=$1 began=\${20:-}
	[ -n "$began" ]
}
find_processes() {
	wanted=$(printf %.15s "$1") found= agent= names=
	for folder in /proc/[0-9]*; do
		pid=\${folder#/proc/}
		{ IFS= read -r name <"$folder/comm"; } 2>/dev/null && [ -e "$folder/exe" ] && [ "$pid" != $$ ] || continue
		if [ "$name" != "$wanted" ]; then
			case " $names " in *" $name "*) ;; *) names="$names $name" ;; esac
		elif [ "$pid" = "$PPID" ]; then
			agent=yes
		else
			look "$pid" && found="$found$pid $began $state;"
		fi
	done
	[ -z "$found" ] || return 0
	[ -z "$agent" ] || bad "it is the guest agent itself, by which the lever is moved"
	bad "the guest has no process $wanted; it has$names"
}
for_each_found() {
	action=$1
	IFS=';'
	for one in $found; do
		unset IFS
		"$action" $one
	done
	unset IFS
}
for_each() {
	action=$1
	shift
	while [ $# -gt 1 ]; do
		look "$1" && [ "$began" = "$2" ] && "$action" "$1" "$state"
		shift 2
	done
}
`;

const STOP = `${PROCESSES}
stop() { [ "$3" = T ] || { kill -STOP "$1" && echo "$1 $2"; }; }
find_processes "$1"
for_each_found stop
`;

const CONTINUE = `${PROCESSES}
go_on() { kill -CONT "$1"; }
for_each go_on "$@"
`;

const CONTINUE_NAMED = `${PROCESSES}
go_on() { [ "$3" != T ] || kill -CONT "$1"; }
find_processes "$1"
for_each_found go_on
`;

const STATES = `${PROCESSES}
tell() { echo "$1 $2"; }
for_each tell "$@"
`;

const KILL = `${PROCESSES}
signal=$2
end() {
	kill -s "$signal" "$1" || failed "cannot send $signal to $1"
	echo "$1 $2"
}
find_processes "$1"
for_each_found end
`;

/**
 * As many as `left` more descriptors can be opened: a limit below which so many numbers are free. What the process forks meanwhile keeps
 * the limit. "PID BEGAN BEFORE SET" for each.
 */
const EXHAUST = `${PROCESSES}
command -v prlimit >/dev/null || unsupported "the guest has no prlimit (of util-linux), by which another process is limited"
left=$2
limit() {
	before=
	while read -r a b c soft rest; do
		[ "$a $b $c" = "Max open files" ] && before=$soft
	done <"/proc/$1/limits"
	free=0 next=0
	for used in $(ls "/proc/$1/fd" | sort -n); do
		[ $((free + used - next)) -le "$left" ] || break
		free=$((free + used - next)) next=$((used + 1))
	done
	set_to=$((next + left - free))
	[ "$before" = unlimited ] || [ "$set_to" -lt "$before" ] || set_to=$before
	prlimit --pid "$1" --nofile="$set_to:" || failed "cannot limit $1"
	[ "$before" = unlimited ] && before=1000000000
	echo "$1 $2 $before $set_to"
}
find_processes "$1"
for_each_found limit
`;

/** "PID LIMIT" for each that is still there. */
const LIMITS = `${PROCESSES}
tell() {
	while read -r a b c soft rest; do
		[ "$a $b $c" = "Max open files" ] && echo "$1 $soft"
	done <"/proc/$1/limits"
}
for_each tell "$@"
`;

/** $1 and $2 are the limits that it has and that it shall have. One that changed its limit itself is left alone. */
const LIMIT_AGAIN = `${PROCESSES}
has=$1 wanted=$2
shift 2
again() {
	while read -r a b c soft rest; do
		[ "$a $b $c $soft" = "Max open files $has" ] && prlimit --pid "$1" --nofile="$wanted:"
	done <"/proc/$1/limits"
}
for_each again "$@"
`;

abstract class OfProcess implements Lever {
	readonly #target: LeverTarget;
	#shell: GuestShell | undefined;

	constructor(target: LeverTarget) {
		this.#target = target;
	}

	abstract apply(move: LeverMove): Promise<LeverValues>;
	abstract verify(signal: AbortSignal): Promise<void>;
	abstract revert(signal: AbortSignal): Promise<void>;

	protected async run(script: string, args: readonly (string | number)[], signal: AbortSignal): Promise<number[][]> {
		this.#shell ??= await GuestShell.of(this.#target.guest, signal);
		// A loop's status is that of its last round, which may have found that the process is gone.
		return numbersIn(await this.#shell.run(`${script}exit 0\n`, args, signal)).slice(0, MAX_PROCESSES);
	}

	/** The letters of their states by number, of those that are still there. */
	protected async states(
		processes: readonly GuestProcess[],
		signal: AbortSignal,
	): Promise<ReadonlyMap<number, string>> {
		this.#shell ??= await GuestShell.of(this.#target.guest, signal);
		const output = await this.#shell.run(`${STATES}exit 0\n`, processes.flat(), signal);
		return new Map(Array.from(output.matchAll(/^(\d+) (\w)$/gm), ([, pid, state]) => [Number(pid), state ?? ""]));
	}
}

/** `process-stop`: SIGSTOP, until SIGCONT. */
export class ProcessStop extends OfProcess {
	#stopped: GuestProcess[] = [];
	/** The name of those of which it is not known whether they were stopped. */
	#unsure: string | undefined;

	async apply({ values, signal }: LeverMove): Promise<LeverValues> {
		const name = String(values["process"]);
		this.#unsure = name;
		this.#stopped.push(...processesIn(await this.run(STOP, [name], signal)));
		this.#unsure = undefined;
		return told(this.#stopped);
	}

	async verify(signal: AbortSignal): Promise<void> {
		await untilFine(async () => {
			const states = await this.states(this.#stopped, signal);
			const other = this.#stopped.find(([pid]) => states.get(pid) !== "T");
			if (other === undefined) return "";
			const [pid] = other;
			return `the process ${pid} ${states.has(pid) ? `is in state ${states.get(pid)}, not stopped` : "has ended"}`;
		}, signal);
	}

	async revert(signal: AbortSignal): Promise<void> {
		if (this.#unsure !== undefined) {
			await this.run(CONTINUE_NAMED, [this.#unsure], signal).catch((error: unknown) => {
				// There is none of that name, or nothing could ever be done.
				if (!isUmbraError(error, "bad-config", "unsupported")) throw error;
			});
			this.#unsure = undefined;
		}
		if (this.#stopped.length === 0) return;
		await this.run(CONTINUE, this.#stopped.flat(), signal);
		await untilFine(async () => {
			const states = await this.states(this.#stopped, signal);
			const still = this.#stopped.find(([pid]) => states.get(pid) === "T");
			return still === undefined ? "" : `the process ${still[0]} still stands still`;
		}, signal);
		this.#stopped = [];
	}
}

/** `process-kill`. What a process does about TERM, SEGV or ABRT is its own affair: that it got it is all that can be told. */
export class ProcessKill extends OfProcess {
	#killed: GuestProcess[] = [];
	#signal = "";

	async apply({ values, signal }: LeverMove): Promise<LeverValues> {
		this.#signal = String(values["signal"] ?? "KILL");
		this.#killed = processesIn(await this.run(KILL, [String(values["process"]), this.#signal], signal));
		return told(this.#killed);
	}

	async verify(signal: AbortSignal): Promise<void> {
		if (this.#signal !== "KILL") return;
		await untilFine(async () => {
			const states = await this.states(this.#killed, signal);
			const alive = this.#killed.find(([pid]) => !["", "Z", "X"].includes(states.get(pid) ?? ""));
			return alive === undefined ? "" : `the process ${alive[0]} is still there, in state ${states.get(alive[0])}`;
		}, signal);
	}

	async revert(): Promise<void> {}
}

interface Limited {
	readonly process: GuestProcess;
	readonly before: number;
	readonly set: number;
}

/** `descriptors-exhausted`: its limit of open files falls to where only so many are left. */
export class DescriptorsExhausted extends OfProcess {
	#limited: Limited[] = [];

	async apply({ values, signal }: LeverMove): Promise<LeverValues> {
		await this.revert(signal);
		const args = [String(values["process"]), Number(values["left"] ?? 0)];
		for (const [pid, began, before, set] of await this.run(EXHAUST, args, signal)) {
			if (pid === undefined || began === undefined || before === undefined || set === undefined) continue;
			this.#limited.push({ process: [pid, began], before, set });
		}
		const limits = this.#limited.slice(0, MAX_TOLD).map(({ before, set }) => `${before} to ${set}`);
		return { ...told(this.#limited.map(({ process }) => process)), limits: limits.join(", ") };
	}

	async verify(signal: AbortSignal): Promise<void> {
		const limits = await this.#limits(signal);
		for (const { process, set } of this.#limited) {
			const found = limits.get(process[0]);
			if (found === set) continue;
			const how = found === undefined ? "has ended" : `may open files up to number ${found}, not ${set}`;
			throw new UmbraError("unavailable", `the process ${process[0]} ${how}`);
		}
	}

	async revert(signal: AbortSignal): Promise<void> {
		if (this.#limited.length === 0) return;
		for (const { process, before, set } of this.#limited) {
			await this.run(LIMIT_AGAIN, [set, before, ...process], signal);
		}
		const limits = await this.#limits(signal);
		const still = this.#limited.find(({ process, before, set }) => set !== before && limits.get(process[0]) === set);
		if (still !== undefined) {
			throw new UmbraError(
				"unavailable",
				`the process ${still.process[0]} still has a limit of ${still.set} open files`,
			);
		}
		this.#limited = [];
	}

	async #limits(signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
		const processes = this.#limited.flatMap(({ process }) => process);
		return new Map((await this.run(LIMITS, processes, signal)).map(([pid = 0, limit = 0]) => [pid, limit]));
	}
}

function processesIn(numbers: readonly (readonly number[])[]): GuestProcess[] {
	return numbers.flatMap(([pid, began]) => (pid === undefined || began === undefined ? [] : [[pid, began] as const]));
}

function told(processes: readonly GuestProcess[]): LeverValues {
	const pids = processes.slice(0, MAX_TOLD).map(([pid]) => pid);
	return { pids: pids.join(" "), processes: processes.length };
}
