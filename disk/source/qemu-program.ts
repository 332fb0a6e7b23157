/** How QEMU's image programs are told which image is meant, and what they say when they end, in the project's words. */
import { resolve } from "node:path";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";
import type { ImageFormat } from "./image-format.ts";
import { printable } from "./nbd/protocol.ts";

/**
 * An image, read-only, for `--image-opts`. The format is always given: qemu must never guess it, because a guest that
 * writes a qcow2 header onto its raw disk could name any file of this host as its backing file. The file name is an option
 * of the `file` driver, so that a name such as `json:...` or `nbd:...` is only a name.
 */
export function imageOptions(path: string, format: ImageFormat, isDevice = false): string {
	const driver = isDevice ? "host_device" : "file";
	return `driver=${format},read-only=on,file.driver=${driver},file.read-only=on,file.filename=${optionValue(resolve(path))}`;
}

/** In an option string a comma ends a value; a doubled one stands for itself (qemu docs, "Key-value options"). */
export function optionValue(text: string): string {
	return text.replaceAll(",", ",,");
}

/** The program itself could not be started. */
export function startError(program: string, path: string, error: Error): UmbraError {
	const missing = errnoOf(error) === "ENOENT";
	return new UmbraError(
		"unavailable",
		missing ? `${path}: ${program} is not installed` : `${path}: ${program} cannot be started: ${messageOf(error)}`,
		{ cause: error, context: { path }, ...(missing ? { hint: "apt-get install qemu-utils" } : {}) },
	);
}

/** The program ended, though it should not have, or not like this. */
export function endError(
	program: string,
	path: string,
	{ code, signal, stderr }: { readonly code: number | null; readonly signal: string | null; readonly stderr: string },
): UmbraError {
	const said = stderr
		.split("\n")
		.map((line) => printable(line).trim())
		.filter((line) => line !== "")
		.join("; ");
	const how = signal === null ? `ended with code ${code}` : `was killed by ${signal}`;
	const locked = said.includes("Failed to get shared");
	const hint = locked
		? "a running VM writes this image: capture the VM instead"
		: said.includes("No such file")
			? "an image that lies upon others can be read only while they are where it says"
			: undefined;
	return new UmbraError(
		locked ? "conflict" : "unavailable",
		`${path}: ${program} ${how}${said === "" ? "" : `: ${said}`}`,
		{
			context: { path, found: code ?? signal },
			...(hint === undefined ? {} : { hint }),
		},
	);
}
