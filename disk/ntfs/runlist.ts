/**
 * Mapping pairs: where the clusters of a non-resident attribute lie.
 * Source: the Linux-NTFS project's documentation, "Data runs"; ntfs-3g's runlist.c.
 */

/**
 * `[vcn, lcn, count, ...]` in clusters, in logical order, holes left out: cluster `vcn` of the attribute and the
 * `count - 1` that follow lie at cluster `lcn` of the volume and behind it.
 */
export type Runs = number[];

/** Beyond this a cluster number is no exact number of bytes any more. */
const MAX_CLUSTERS = Number.MAX_SAFE_INTEGER / (2 << 20);

/**
 * Appends the runs encoded in `bytes[from, to)`.
 *
 * @param vcn the first cluster that they describe.
 * @param clusters how many the volume has.
 * @returns the cluster after the last one described; or what is wrong, in words. Runs before the fault are kept.
 */
export function decodeRuns(
	bytes: Uint8Array,
	from: number,
	to: number,
	vcn: number,
	clusters: number,
	runs: Runs,
): number | string {
	let next = vcn;
	let lcn = 0;
	for (let at = from; at < to; ) {
		const header = bytes[at++]!;
		if (header === 0) return next;
		const countBytes = header & 15;
		const offsetBytes = header >>> 4;
		if (countBytes === 0 || countBytes > 8 || offsetBytes > 8) return `a run of the impossible form 0x${hex(header)}`;
		if (at + countBytes + offsetBytes > to) return "a runlist that is cut off";
		const count = signed(bytes, at, countBytes);
		at += countBytes;
		if (!(count > 0) || next + count > MAX_CLUSTERS) return `a run of ${count} clusters`;
		if (offsetBytes > 0) {
			lcn += signed(bytes, at, offsetBytes);
			at += offsetBytes;
			if (!(lcn >= 0 && lcn + count <= clusters)) return `a run of ${count} clusters at ${lcn}, of ${clusters}`;
			const last = runs.length - 3;
			if (last >= 0 && runs[last]! + runs[last + 2]! === next && runs[last + 1]! + runs[last + 2]! === lcn) {
				runs[last + 2]! += count;
			} else {
				runs.push(next, lcn, count);
			}
		}
		next += count;
	}
	return "a runlist without an end";
}

/** Index of the run that holds cluster `vcn`, or of the first behind it. */
export function findRun(runs: Runs, vcn: number): number {
	let low = 0;
	let high = runs.length / 3;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (runs[middle * 3]! + runs[middle * 3 + 2]! <= vcn) low = middle + 1;
		else high = middle;
	}
	return low * 3;
}

/** Clusters that are not holes. */
export function allocatedClusters(runs: Runs): number {
	let sum = 0;
	for (let i = 2; i < runs.length; i += 3) sum += runs[i]!;
	return sum;
}

/** Little-endian two's complement; no longer exact beyond 2^53, where no caller lets it pass. */
function signed(bytes: Uint8Array, at: number, length: number): number {
	let value = 0;
	let scale = 1;
	for (let i = 0; i < length; i++, scale *= 256) value += bytes[at + i]! * scale;
	return bytes[at + length - 1]! >= 0x80 ? value - scale : value;
}

function hex(byte: number): string {
	return byte.toString(16).padStart(2, "0");
}
