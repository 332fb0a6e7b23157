/** For the tests of this folder: guests whose packages were installed by dpkg and rpm themselves, as ext4 images. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UmbraError } from "../../common/errors.ts";
import { openExt } from "../ext/ext.ts";
import { makeImage, openImage, run } from "../ext/testing.ts";
import type { FileNode, Filesystem } from "../filesystem.ts";
import { type CurrentFile, currentFile } from "./explain.ts";
import { GuestRoot, type Mount } from "./guest-root.ts";

const IMAGE_BYTES = 24 << 20;

/** The tree as the root filesystem of a guest. */
export async function guestOf(tree: string, image: string): Promise<TestGuest> {
	await makeImage(image, IMAGE_BYTES, ["-t", "ext4", "-O", "^has_journal"], tree);
	return openGuest(image);
}

export interface TestGuest extends AsyncDisposable {
	readonly mounts: readonly Mount[];
}

export async function openGuest(image: string): Promise<TestGuest> {
	const source = await openImage(image);
	const filesystem: Filesystem = await openExt(source);
	return { mounts: [{ path: "/", filesystem }], [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() };
}

export async function fileOf(mounts: readonly Mount[], path: string): Promise<CurrentFile | undefined> {
	const found = await new GuestRoot(mounts).find(path, undefined, false);
	return found === undefined ? undefined : currentFile(found.filesystem, found.node);
}

/** Absolute paths of all that is no directory, without following symlinks. */
export async function filesOf(tree: string, folder = ""): Promise<string[]> {
	const paths: string[] = [];
	for (const entry of await readdir(join(tree, folder), { withFileTypes: true })) {
		const path = `${folder}/${entry.name}`;
		if (entry.isDirectory()) paths.push(...(await filesOf(tree, path)));
		else paths.push(path);
	}
	return paths.sort();
}

/** Standard output, and the exit status where it is not 0. */
export async function say(program: string, args: readonly string[]): Promise<{ text: string; status: number }> {
	try {
		return { text: (await run(program, args)).toString(), status: 0 };
	} catch (error) {
		const { code, stdout } = error as { code?: unknown; stdout?: Buffer };
		if (typeof code !== "number") throw error;
		return { text: stdout?.toString() ?? "", status: code };
	}
}

/** A filesystem of nothing but files at their paths, for databases that are damaged a thousand times. */
export function memoryMounts(files: ReadonlyMap<string, Buffer>): readonly Mount[] {
	const paths = new Set(["/"]);
	for (const path of files.keys()) {
		for (let at = path.indexOf("/", 1); at !== -1; at = path.indexOf("/", at + 1)) paths.add(path.slice(0, at));
		paths.add(path);
	}
	const byInode = [...paths];
	const node = (inode: number): FileNode => {
		const content = files.get(byInode[inode] ?? "");
		const type = content === undefined ? "dir" : "file";
		const size = content?.length ?? 0;
		return {
			inode,
			type,
			size,
			generation: 0,
			mode: 0,
			uid: 0,
			gid: 0,
			nlink: 1,
			mtime: 0,
			ctime: 0,
			data: [],
			meta: [],
		};
	};
	const filesystem: Filesystem = {
		kind: "memory",
		label: "",
		uuid: "",
		blockSize: 4096,
		usedBytes: 0,
		freeBytes: 0,
		root: 0,
		problems: [],
		scan: () => Promise.reject(new Error("nobody scans it")),
		node: async (inode) => node(inode),
		lookup: async (path) => {
			const inode = byInode.indexOf(path);
			if (inode === -1) throw new UmbraError("not-found", `no ${path}`);
			return node(inode);
		},
		readDirectory: async ({ inode }) => {
			const folder = byInode[inode] === "/" ? "/" : `${byInode[inode]}/`;
			const inside = byInode.filter((path) => path !== "/" && path.slice(0, path.lastIndexOf("/") + 1) === folder);
			return inside.map((path) => ({ name: path.slice(folder.length), inode: byInode.indexOf(path) }));
		},
		readFile: async ({ inode }, offset, length) => files.get(byInode[inode]!)!.subarray(offset, offset + length),
		readLink: () => Promise.reject(new UmbraError("not-found", "no symlink")),
	};
	return [{ path: "/", filesystem }];
}

/** An ndb database, as rpm's lib/backend/ndb/rpmpkg.c writes it: Debian's rpm is built without it. */
export function makeNdb(headers: readonly Buffer[]): Buffer {
	const pages = Math.ceil((headers.length + 2) / 256);
	const parts: Buffer[] = [Buffer.alloc(pages * 4096)];
	const table = parts[0]!;
	table.write("RpmP", 0, "latin1");
	table.writeUInt32LE(1, 8);
	table.writeUInt32LE(pages, 12);
	table.writeUInt32LE(headers.length + 1, 16);
	for (let at = 32; at < table.length; at += 16) table.write("Slot", at, "latin1");
	let offset = table.length;
	for (const [i, header] of headers.entries()) {
		const length = Math.ceil((16 + header.length + 12) / 16) * 16;
		const blob = Buffer.alloc(length);
		blob.write("BlbS", 0, "latin1");
		blob.writeUInt32LE(i + 1, 4);
		blob.writeUInt32LE(header.length, 12);
		header.copy(blob, 16);
		blob.writeUInt32LE(adler32(blob.subarray(0, length - 12)), length - 12);
		blob.writeUInt32LE(header.length, length - 8);
		blob.write("BlbE", length - 4, "latin1");
		const slot = 32 + 16 * i;
		table.writeUInt32LE(i + 1, slot + 4);
		table.writeUInt32LE(offset / 16, slot + 8);
		table.writeUInt32LE(length / 16, slot + 12);
		parts.push(blob);
		offset += length;
	}
	return Buffer.concat(parts);
}

function adler32(bytes: Buffer): number {
	let a = 1;
	let b = 0;
	for (const byte of bytes) {
		a = (a + byte) % 65521;
		b = (b + a) % 65521;
	}
	return b * 65536 + a;
}
