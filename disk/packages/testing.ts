/** For the tests of this folder: guests whose packages were installed by dpkg and rpm themselves, as ext4 images. */
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
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

/** Path -> content; a content that begins with "-> " is a symlink's target. */
export type DebFiles = Readonly<Record<string, string>>;

/** The path of a new package. @param fields of its control file, "Package", "Version" and "Architecture" among them. */
export async function makeDeb(
	folder: string,
	fields: DebFiles,
	files: DebFiles,
	conffiles: readonly string[] = [],
): Promise<string> {
	const name = `${fields["Package"]}_${fields["Version"]}_${fields["Architecture"]}`;
	const tree = join(folder, name);
	await mkdir(join(tree, "DEBIAN"), { recursive: true });
	const control = { ...fields, Maintainer: "nobody <nobody@example.org>", Description: "made for a test" };
	await writeFile(
		join(tree, "DEBIAN/control"),
		Object.entries(control)
			.map(([key, value]) => `${key}: ${value}\n`)
			.join(""),
	);
	if (conffiles.length > 0) await writeFile(join(tree, "DEBIAN/conffiles"), `${conffiles.join("\n")}\n`);
	for (const [path, content] of Object.entries(files)) {
		await mkdir(dirname(join(tree, path)), { recursive: true });
		if (content.startsWith("-> ")) await symlink(content.slice(3), join(tree, path));
		else await writeFile(join(tree, path), content);
	}
	// As dh_md5sums does it: all but config files and symlinks.
	const summed = (await filesOf(tree)).filter((path) => !path.startsWith("/DEBIAN") && !conffiles.includes(path));
	const regular = summed.filter((path) => !files[path]?.startsWith("-> ")).map((path) => path.slice(1));
	const sums = regular.length === 0 ? "" : await run("sh", ["-c", 'cd "$0" && md5sum "$@"', tree, ...regular]);
	await writeFile(join(tree, "DEBIAN/md5sums"), sums);
	await run("dpkg-deb", ["--build", "--root-owner-group", "-Znone", tree, `${tree}.deb`]);
	return `${tree}.deb`;
}

/** What rpmbuild makes a package of. */
export interface RpmSpec {
	readonly name: string;
	readonly version: string;
	readonly epoch?: string;
	/** Shell that fills $RPM_BUILD_ROOT. */
	readonly install: string;
	readonly files: readonly string[];
	readonly macros?: readonly string[];
}

/** The path of a new package for all architectures, release 1. */
export async function makeRpm(
	folder: string,
	{ name, version, epoch, install, files, macros = [] }: RpmSpec,
): Promise<string> {
	const path = join(folder, `${name}-${version}.spec`);
	const head = [
		`Name: ${name}`,
		`Version: ${version}`,
		"Release: 1",
		"Summary: made for a test",
		"License: none",
		"BuildArch: noarch",
	];
	if (epoch !== undefined) head.push(`Epoch: ${epoch}`);
	const text = [
		...head,
		"%description",
		"made for a test",
		"%install",
		"cd $RPM_BUILD_ROOT",
		install,
		"%files",
		...files,
		"",
	];
	await writeFile(path, text.join("\n"));
	const defines = [`_topdir ${folder}/rpmbuild`, "__os_install_post %{nil}", ...macros].flatMap((each) => [
		"--define",
		each,
	]);
	await run("rpmbuild", ["-bb", "--quiet", ...defines, path]);
	return join(folder, "rpmbuild/RPMS/noarch", `${name}-${version}-1.noarch.rpm`);
}

/** A folder in which rpm installs packages, with its database in the SQLite format. */
export class RpmRoot {
	readonly path: string;
	constructor(path: string) {
		this.path = path;
	}

	args(...more: string[]): string[] {
		return ["--root", this.path, "--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite", ...more];
	}

	async rpm(...more: string[]): Promise<string> {
		return (await run("rpm", this.args(...more))).toString();
	}

	at(name: string): string {
		return join(this.path, name);
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
