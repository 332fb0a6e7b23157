/** What a clone writes to a disk lies in a qcow2 of its own; an empty one is made once a template and copied. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { messageOf, UmbraError } from "../../common/errors.ts";

/** @throws UmbraError `unavailable`. */
export async function makeOverlay(path: string, sizeBytes: number): Promise<void> {
	try {
		await promisify(execFile)("qemu-img", ["create", "-q", "-f", "qcow2", path, String(sizeBytes)]);
	} catch (cause) {
		throw new UmbraError("unavailable", `cannot make ${path}: ${messageOf(cause)}`, {
			cause,
			context: { path },
			hint: "apt-get install qemu-utils",
		});
	}
}
