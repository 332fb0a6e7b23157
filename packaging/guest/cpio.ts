/**
 * Writes a cpio archive in the "newc" format, the one that Linux unpacks as an initramfs
 * (Linux Documentation/driver-api/early-userspace/buffer-format.rst).
 */
import { constants } from "node:fs";

export interface CpioEntry {
	/** Without a leading slash. */
	readonly path: string;
	readonly type: "file" | "folder" | "symlink";
	/** Permission bits. */
	readonly mode: number;
	/** A file's content, or a symlink's target. */
	readonly content?: Uint8Array | string;
}

const TYPES = { file: constants.S_IFREG, folder: constants.S_IFDIR, symlink: constants.S_IFLNK } as const;
const TRAILER = "TRAILER!!!";

/** The archive, entries in the order given: a folder comes before what it holds. All belong to root, at time 0. */
export function cpio(entries: readonly CpioEntry[]): Buffer {
	const parts: Buffer[] = [];
	let inode = 1;
	for (const entry of entries) {
		parts.push(...record(entry.path, inode++, TYPES[entry.type] | entry.mode, Buffer.from(entry.content ?? "")));
	}
	parts.push(...record(TRAILER, 0, 0, Buffer.alloc(0)));
	return Buffer.concat(parts);
}

function record(path: string, inode: number, mode: number, content: Buffer): Buffer[] {
	const name = Buffer.from(`${path}\0`);
	// c_ino, c_mode, c_uid, c_gid, c_nlink, c_mtime, c_filesize, c_maj, c_min, c_rmaj, c_rmin, c_namesize, c_chksum
	const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
	const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
	return [header, name, padding(header.length + name.length), content, padding(content.length)];
}

/** Header with name, and content, each end on a multiple of 4 bytes. */
function padding(length: number): Buffer {
	return Buffer.alloc((4 - (length % 4)) % 4);
}
