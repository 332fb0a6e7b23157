/** The `Range` header (RFC 9110, section 14). */
import { UmbraError } from "../../common/errors.ts";

export interface ByteRange {
	readonly offset: number;
	readonly length: number;
	/** False: the whole was asked for. */
	readonly partial: boolean;
}

/**
 * @returns undefined where nothing of the range exists (416).
 * @throws UmbraError `bad-config` for several ranges or another unit.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
	if (header === undefined) return { offset: 0, length: size, partial: false };
	const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
	if (match === null || (match[1] === "" && match[2] === "")) {
		throw new UmbraError("bad-config", `Range: ${JSON.stringify(header)}; wanted one range, bytes=FIRST-LAST`, {
			context: { field: "Range", found: header },
		});
	}
	if (match[1] === "") {
		const length = Math.min(Number(match[2]), size);
		return length === 0 ? undefined : { offset: size - length, length, partial: true };
	}
	const offset = Number(match[1]);
	const last = match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
	if (offset >= size || last < offset) return undefined;
	return { offset, length: last - offset + 1, partial: true };
}
