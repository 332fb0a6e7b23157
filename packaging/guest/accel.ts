/**
 * KVM or emulation: decided once a machine by booting the guest. A /dev/kvm that opens proves nothing: on some
 * nested hosts a stock kernel hangs under it.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { GUEST_CACHE, KERNEL } from "./kernel.ts";
import { runProgram } from "./programs.ts";

export type Accelerator = "kvm" | "tcg";

const CACHE = join(GUEST_CACHE, "accel.json");
const Decision = z.object({ key: z.string(), accel: z.enum(["kvm", "tcg"]) });

/** `decide`'s answer, or the one it gave before on this host's kernel, QEMU and guest kernel. */
export async function chooseAccelerator(decide: () => Promise<Accelerator>): Promise<Accelerator> {
	if (!(await kvmOpens())) return "tcg";
	const key = await decisionKey();
	const before = await readDecision();
	if (before?.key === key) return before.accel;
	const accel = await decide();
	// Written aside and renamed: another process may read it at any time.
	const draft = `${CACHE}.${process.pid}`;
	await mkdir(GUEST_CACHE, { recursive: true });
	await writeFile(draft, `${JSON.stringify({ key, accel })}\n`);
	await rename(draft, CACHE);
	return accel;
}

async function kvmOpens(): Promise<boolean> {
	return await access("/dev/kvm", constants.R_OK | constants.W_OK).then(
		() => true,
		() => false,
	);
}

async function decisionKey(): Promise<string> {
	const qemu = await runProgram("qemu-system-x86_64", ["--version"]);
	const kernel = await stat(KERNEL).catch(() => undefined);
	const parts = [qemu, release(), kernel?.size, kernel?.mtimeMs];
	return createHash("sha256").update(parts.join("\n")).digest("hex");
}

/** A cache: what cannot be read is decided anew. */
async function readDecision(): Promise<z.output<typeof Decision> | undefined> {
	try {
		return Decision.parse(JSON.parse(await readFile(CACHE, "utf8")));
	} catch {
		return undefined;
	}
}
