/**
 * Whether the log holds changes that have not reached their places. It is not replayed. The log is a
 * ring of 512-byte blocks; the first word of each is the number of the round in which it was written,
 * or the magic number of a record's header, with that number behind it. So the newest record ends
 * where the rounds change, and a filesystem that was unmounted ends with a record which says so.
 * Source: the kernel's fs/xfs/xfs_log_recover.c (xlog_find_head, xlog_check_unmount_rec) and
 * fs/xfs/libxfs/xfs_log_format.h.
 */
import { blockOf, uuidHolds, type Xfs } from "./geometry.ts";

const BASIC_BLOCK = 512;
const XLOG_HEADER_MAGIC = 0xfeedbabe;
const XLOG_UNMOUNT_TRANS = 0x20;
/** XLOG_MAX_RECORD_BSIZE with its headers, and padding to the longest stripe unit: further back no last record begins. */
const RECORD_BYTES = 1 << 19;
/** XLOG_HEADER_CYCLE_SIZE: bytes of a record for each block of header. */
const HEADER_CYCLE_BYTES = 32768;
const H_UUID = 304;

export type LogState = "clean" | "dirty" | "external" | "unreadable";

/** Costs a few dozen small reads. Everything that does not prove to be clean is not. */
export async function readLogState(xfs: Xfs, signal?: AbortSignal): Promise<LogState> {
	const { logStart, logBlocks, blockSize } = xfs.superblock;
	if (logStart === 0) return "external";
	const start = blockOf(xfs.superblock, logStart, logBlocks);
	if (start === undefined) return "unreadable";
	const size = (logBlocks * blockSize) / BASIC_BLOCK;
	const read = (block: number, count: number) =>
		xfs.volume.read(start * blockSize + block * BASIC_BLOCK, count * BASIC_BLOCK, signal);
	const roundOf = async (block: number) => {
		const bytes = await read(block, 1);
		const word = bytes.readUInt32BE(0);
		return word === XLOG_HEADER_MAGIC ? bytes.readUInt32BE(4) : word;
	};

	const firstRound = await roundOf(0);
	// Never written to, as some tools leave it.
	if (firstRound === 0) return "clean";
	const lastRound = await roundOf(size - 1);
	let head = size;
	if (firstRound !== lastRound) {
		// The blocks of the newest round come first; those behind are of the round before, or were never written.
		let low = 0;
		while (head - low > 1) {
			const middle = Math.floor((low + head) / 2);
			if ((await roundOf(middle)) === firstRound) low = middle;
			else head = middle;
		}
	}

	const count = Math.min(size, RECORD_BYTES / BASIC_BLOCK);
	// The last record may begin before the end of the ring and go on at its start.
	const before = Math.max(0, count - head);
	const tail = before > 0 ? await read(size - before, before) : Buffer.alloc(0);
	const bytes = Buffer.concat([tail, await read(Math.max(0, head - count), Math.min(head, count))]);
	for (let at = bytes.length - BASIC_BLOCK; at >= 0; at -= BASIC_BLOCK) {
		if (bytes.readUInt32BE(at) !== XLOG_HEADER_MAGIC) continue;
		return isUnmountRecord(xfs, bytes, at) ? "clean" : "dirty";
	}
	return "dirty";
}

/** Whether the record at `at` is the one that an unmount writes and ends where `bytes` does. */
function isUnmountRecord(xfs: Xfs, bytes: Buffer, at: number): boolean {
	const version = bytes.readUInt32BE(at + 8);
	const length = bytes.readUInt32BE(at + 12);
	const size = bytes.readUInt32BE(at + 320);
	const headers = version === 2 && size > HEADER_CYCLE_BYTES ? Math.ceil(size / HEADER_CYCLE_BYTES) : 1;
	const data = at + headers * BASIC_BLOCK;
	if (data + Math.ceil(length / BASIC_BLOCK) * BASIC_BLOCK !== bytes.length || data === bytes.length) return false;
	if (bytes.readUInt32BE(at + 40) !== 1) return false;
	// The log of a volume that was made anew over another begins with a record of its own, so this never differs by right.
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (!uuidHolds(view, at + H_UUID, xfs.superblock.logUuid)) return false;
	return (bytes[data + 9]! & XLOG_UNMOUNT_TRANS) !== 0;
}
