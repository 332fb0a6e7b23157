/**
 * $LogFile, as far as whether it holds anything that is not on the volume yet.
 * Source: the Linux-NTFS project's documentation, "$LogFile"; ntfs-3g's logfile.c.
 */
import { applyFixups } from "./record.ts";

const RESTART_MAGIC = 0x52545352; // "RSTR"
const VOLUME_IS_CLEAN = 2;
const NO_CLIENT = 0xffff;
/** Page sizes that Windows and ntfs-3g write; the restart pages are the first two of the log. */
const PAGE = 4096;
/** Of the log, what `isLogClean` needs to see. */
export const LOG_HEAD_BYTES = 2 * PAGE;

/** True where all that the log describes has reached the volume; undefined where the log does not tell. */
export function isLogClean(head: Buffer): boolean | undefined {
	// mkntfs and ntfs-3g fill it with ones when nothing is left to be done.
	if (head.every((byte) => byte === 0xff)) return true;
	const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
	let newest = -1;
	let clean: boolean | undefined;
	for (let at = 0; at + PAGE <= head.length; at += PAGE) {
		if (view.getUint32(at, true) !== RESTART_MAGIC) continue;
		if (applyFixups(head, view, at, PAGE) !== undefined) continue;
		const area = at + view.getUint16(at + 24, true);
		if (area + 16 > at + PAGE) continue;
		const lsn = view.getUint32(area, true) + view.getUint32(area + 4, true) * 2 ** 32;
		if (lsn <= newest) continue;
		newest = lsn;
		const inUse = view.getUint16(area + 12, true);
		clean = inUse === NO_CLIENT || (view.getUint16(area + 14, true) & VOLUME_IS_CLEAN) !== 0;
	}
	return clean;
}
