/**
 * `agent/trial/levers/in-guest/` moves levers from within the guest: its agent runs shell scripts. They need a POSIX shell, `/proc` and
 * what coreutils and busybox both have, and say so where they need more. Names and paths are arguments of a script, never part of it.
 *
 * Work that lasts (memory, load) is done by *workers*: scripts in the background whose folder in the guest says what they shall do,
 * and that end when it is gone.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError, UmbraError } from "../../../../common/errors.ts";
import type { GuestCommands } from "../../../guest/commands.ts";

/** A guest under stress runs a script of milliseconds in seconds. */
const SCRIPT_MS = 30_000;
/** Until what was done shows. */
const SETTLE_MS = 10_000;
const LOOK_MS = 100;
const MAX_TOLD = 300;

/** By their exit status, scripts say what kind of failure theirs is; any other is that something did not work. */
const CODES = { 10: "bad-config", 11: "unsupported" } as const;

/** An agent that a service manager started has few folders to look in. */
const PRELUDE = `
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
refuse() {
	echo "$2" >&2
	exit "$1"
}
bad() { refuse 10 "$1"; }
unsupported() { refuse 11 "$1"; }
failed() { refuse 12 "$1"; }
`;

export class GuestShell {
	readonly #guest: GuestCommands;

	private constructor(guest: GuestCommands) {
		this.#guest = guest;
	}

	/** @throws UmbraError `unsupported` with the reason where no scripts can be run, `unavailable`. */
	static async of(guest: GuestCommands | undefined, signal: AbortSignal): Promise<GuestShell> {
		if (guest === undefined) {
			throw new UmbraError("unsupported", "the guest has no agent that answers", {
				hint: "install and start qemu-guest-agent in the VM, and give it the port org.qemu.guest_agent.0",
			});
		}
		const { family, name } = await guest.system(signal);
		if (family === "windows") {
			throw new UmbraError("unsupported", `the guest is Windows (${name}): this lever needs a POSIX shell and /proc`);
		}
		return new GuestShell(guest);
	}

	/**
	 * What the script wrote; its arguments are $1, $2 ...
	 *
	 * @throws UmbraError as the script says, `unavailable` where it failed otherwise, `unsupported` where there is no shell.
	 */
	async run(script: string, args: readonly (string | number)[], signal: AbortSignal): Promise<string> {
		const command = ["/bin/sh", "-c", PRELUDE + script, "umbra", ...args.map(String)] as const;
		const {
			exitCode,
			signal: killed,
			output,
			errors,
		} = await this.#guest.run(command, { timeoutMs: SCRIPT_MS, signal }).catch((cause: unknown) => {
			if (!isUmbraError(cause, "not-found")) throw cause;
			throw new UmbraError("unsupported", "the guest has no /bin/sh", { cause });
		});
		if (exitCode === 0) return output;
		const told = oneLine(errors) || `a script in the guest ended with ${killed ?? exitCode}`;
		throw new UmbraError(CODES[exitCode as keyof typeof CODES] ?? "unavailable", told);
	}
}

/** Asks until there is no complaint any more. @throws UmbraError `unavailable` with the last one. */
export async function untilFine(complaint: () => Promise<string>, signal: AbortSignal): Promise<void> {
	const deadline = performance.now() + SETTLE_MS;
	for (;;) {
		const found = await complaint();
		if (found === "") return;
		if (performance.now() >= deadline) throw new UmbraError("unavailable", found);
		await sleep(LOOK_MS, undefined, { signal });
	}
}

/** Numbers, one group a line; lines of another kind are the guest's own and passed over. */
export function numbersIn(output: string): number[][] {
	return output
		.split("\n")
		.filter((line) => /^\d{1,19}(?: \d{1,19})*$/.test(line))
		.map((line) => line.split(" ").map(Number));
}

export function oneLine(text: string): string {
	const line = text.trim().replaceAll(/\s+/g, " ");
	return line.length <= MAX_TOLD ? line : `${line.slice(0, MAX_TOLD)}...`;
}
