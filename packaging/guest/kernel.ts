/** The guest's kernel and programs as `packaging/bootstrap.sh` leaves them below `.cache/guest`. */
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";

/** Where the checkout keeps what the guest is made of; Git ignores it. */
export const GUEST_CACHE: string = join(import.meta.dirname, "..", "..", ".cache", "guest");

const KERNEL_FOLDER = join(GUEST_CACHE, "kernel");
export const KERNEL: string = join(KERNEL_FOLDER, "vmlinuz");
const BUSYBOX = join(GUEST_CACHE, "busybox");
const AGENT_FOLDER = join(GUEST_CACHE, "agent");
/** The last file that the bootstrap writes of it. */
export const AGENT: string = join(AGENT_FOLDER, "complete");

export interface KernelModule {
	readonly name: string;
	/** The .ko file, not compressed. */
	readonly content: Buffer;
}

/** @throws UmbraError `not-found` before the bootstrap has run. */
export async function readBusybox(): Promise<Buffer> {
	return await readPart(BUSYBOX);
}

/**
 * QEMU's guest agent and what goes with it, by their paths in the guest without a leading slash.
 *
 * @throws UmbraError `not-found` before the bootstrap has run for tests.
 */
export async function readAgent(): Promise<ReadonlyMap<string, Buffer>> {
	await readPart(AGENT);
	const files = new Map<string, Buffer>();
	for (const entry of await readdir(AGENT_FOLDER, { recursive: true, withFileTypes: true })) {
		const path = join(entry.parentPath, entry.name);
		if (entry.isFile() && path !== AGENT) files.set(relative(AGENT_FOLDER, path), await readPart(path));
	}
	return files;
}

/**
 * The kernel modules `wanted` with all that they depend on, in an order in which they can be inserted. What
 * the kernel has built in is left out.
 *
 * @throws UmbraError `not-found` where a module is neither there nor built in.
 */
export async function readModules(wanted: readonly string[]): Promise<KernelModule[]> {
	const files = new Map<string, string>();
	const folder = join(KERNEL_FOLDER, "modules");
	for (const file of await readdir(folder).catch(() => [])) files.set(moduleName(file), join(folder, file));
	const builtin = new Set(
		(await readPart(join(KERNEL_FOLDER, "modules.builtin"))).toString().split("\n").map(moduleName),
	);

	const ordered = new Map<string, KernelModule>();
	const visit = async (name: string): Promise<void> => {
		if (builtin.has(name) || ordered.has(name)) return;
		const file = files.get(name);
		if (file === undefined) {
			throw new UmbraError("not-found", `the guest's kernel has no module ${name} in ${folder}`, {
				context: { path: folder, wanted: name },
				hint: "delete .cache/guest and run: sh packaging/bootstrap.sh demo",
			});
		}
		const content = decompress(file, await readPart(file));
		for (const dependency of dependencies(content)) await visit(dependency);
		ordered.set(name, { name, content });
	};
	for (const name of wanted) await visit(name);
	return [...ordered.values()];
}

/** The kernel takes dash and underscore in a module's name for the same. */
function moduleName(path: string): string {
	const file = path.slice(path.lastIndexOf("/") + 1);
	return file.replace(/\.ko(\.\w+)?$/, "").replaceAll("-", "_");
}

/** `.modinfo` is a section of NUL-ended `key=value` strings; there is one `depends`. */
function dependencies(content: Buffer): string[] {
	const start = content.indexOf("\0depends=");
	if (start < 0) return [];
	const value = content.toString("latin1", start + "\0depends=".length, content.indexOf(0, start + 1));
	return value
		.split(",")
		.filter((name) => name !== "")
		.map(moduleName);
}

function decompress(path: string, content: Buffer): Buffer {
	if (path.endsWith(".ko")) return content;
	if (path.endsWith(".zst")) return zstdDecompressSync(content);
	if (path.endsWith(".gz")) return gunzipSync(content);
	throw new UmbraError("unsupported", `cannot unpack the kernel module ${path}`, {
		context: { path, wanted: ".ko, .ko.zst or .ko.gz" },
	});
}

async function readPart(path: string): Promise<Buffer> {
	try {
		return await readFile(path);
	} catch (error) {
		throw new UmbraError(errnoOf(error) === "ENOENT" ? "not-found" : "unavailable", messageOf(error), {
			cause: error,
			context: { path },
			hint: "run: sh packaging/bootstrap.sh demo",
		});
	}
}
