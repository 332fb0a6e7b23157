/** What a test needs of the host. A skip is said out loud, and in CI it is a failure. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AGENT, GUEST_CACHE, KERNEL } from "../../packaging/guest/kernel.ts";
import { findProgram } from "../../packaging/guest/programs.ts";

/** For node:test: `it("...", needs("debugfs"), ...)`, `describe("...", needs("fls", "mke2fs"), ...)`. */
export interface Needs {
	/** Why the test is skipped; false where all is there. */
	readonly skip: string | false;
}

/**
 * @param programs names of programs, found on PATH or in the administrators' folders.
 * @throws Error in CI (CI=1), where nothing may be skipped.
 */
export function needs(...programs: readonly string[]): Needs {
	return decide(programs.filter((program) => findProgram(program) === undefined));
}

/** What `bootGuest` and `makeDisk` need. @throws as `needs`. */
export function needsGuest(...programs: readonly string[]): Needs {
	return decide(missingOfGuest(programs));
}

/** What `bootGuest` needs for a guest with `guestAgent`. @throws as `needs`. */
export function needsGuestAgent(...programs: readonly string[]): Needs {
	return decide([...missingOfGuest(programs), ...(existsSync(AGENT) ? [] : ["the guest agent in .cache/guest"])]);
}

function missingOfGuest(programs: readonly string[]): string[] {
	const wanted = ["qemu-system-x86_64", "qemu-img", "mke2fs", "debugfs", "sfdisk", ...programs];
	const missing = wanted.filter((program) => findProgram(program) === undefined);
	if (![KERNEL, join(GUEST_CACHE, "busybox")].every((path) => existsSync(path)))
		missing.push("the guest in .cache/guest");
	return missing;
}

function decide(missing: readonly string[]): Needs {
	if (missing.length === 0) return { skip: false };
	const reason = `missing: ${missing.join(", ")}; run: sh packaging/bootstrap.sh test`;
	if (process.env["CI"] !== undefined && process.env["CI"] !== "") throw new Error(reason);
	return { skip: reason };
}
