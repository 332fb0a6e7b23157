/**
 * How much a measured entropy means for a file of a given size.
 *
 * Entropy is measured over 4 KiB pages, and a file's last page is padded with zeroes: 900 random bytes
 * make a page of 2.5 bits a byte, 900 bytes of English one of 1.7. Compared with eight bits both look harmless.
 * Compared with the most that a file of that size can reach they do not.
 */
import { ENTROPY_SCALE, PAGE_SIZE } from "../../common/block.ts";

/** Below this many bytes a page's entropy, which travels in steps of 1/32 bit, no longer tells text from noise. */
export const MIN_JUDGED_BYTES = 192;

/** How far below the ceiling content may lie and still pass for random: covers compressed and encrypted data alike. */
const NEAR_CEILING_BITS = 0.3;
const HIGH_ENTROPY_BITS = 7.5;
/** An inversion this far above the ceiling says that the page held something other than padding too. */
const PADDING_TOLERANCE_BITS = 0.5;

const expected = new Float64Array(PAGE_SIZE + 1).fill(-1);

/**
 * The expected entropy of `count` uniformly random bytes, in bits a byte: log2(n) - E[K log2 K] * 256 / n
 * with K binomial(n, 1/256). It is below 8 because a short sample cannot show every byte value equally often.
 */
function expectedEntropy(count: number): number {
	const known = expected[count] as number;
	if (known >= 0) return known;
	let probability = (255 / 256) ** count;
	let sum = 0;
	for (let k = 0; k < count; k++) {
		probability *= (count - k) / ((k + 1) * 255);
		sum += probability * (k + 1) * Math.log2(k + 1);
		if (k > count / 256 && probability < 1e-12) break;
	}
	const value = Math.max(0, Math.log2(count) - (256 * sum) / count);
	expected[count] = value;
	return value;
}

function binaryEntropy(p: number): number {
	return p <= 0 || p >= 1 ? 0 : -p * Math.log2(p) - (1 - p) * Math.log2(1 - p);
}

interface Layout {
	readonly pages: number;
	/** Pages' worth of content, the last one counted by what it holds. */
	readonly filled: number;
	/** Bits that the padding of the last page adds to the sum over the pages. */
	readonly padding: number;
	/** Bits a byte of content, were it random. */
	readonly ceiling: number;
}

function layoutOf(sizeBytes: number): Layout {
	const size = Number.isFinite(sizeBytes) && sizeBytes >= 1 ? Math.floor(sizeBytes) : 1;
	const full = Math.floor(size / PAGE_SIZE);
	const tail = size - full * PAGE_SIZE;
	const share = tail / PAGE_SIZE;
	const filled = full + share;
	const random = full * expectedEntropy(PAGE_SIZE) + (tail > 0 ? share * expectedEntropy(tail) : 0);
	return { pages: full + (tail > 0 ? 1 : 0), filled, padding: binaryEntropy(share), ceiling: random / filled };
}

/** The mean page entropy, in bits a byte, that a file of `sizeBytes` shows when its content is random. */
export function entropyCeiling(sizeBytes: number): number {
	const layout = layoutOf(sizeBytes);
	return (layout.ceiling * layout.filled + layout.padding) / layout.pages;
}

/**
 * The entropy of a file's content in bits a byte (0 to 8), from the mean over its pages: the padding of the last
 * page is taken out. Where the result would be more than random content has, the page was not padding
 * after all (blocks smaller than a page share it between files): the mean is then returned as it is.
 */
export function contentEntropy(pageEntropy: number, sizeBytes: number): number {
	if (!Number.isFinite(pageEntropy)) return 0;
	const layout = layoutOf(sizeBytes);
	const content = (pageEntropy * layout.pages - layout.padding) / layout.filled;
	if (content > layout.ceiling + PADDING_TOLERANCE_BITS) return Math.min(8, Math.max(0, pageEntropy));
	return Math.min(8, Math.max(0, content));
}

/** True where the content is as random as its size allows: encrypted or well compressed. */
export function isRandom(pageEntropy: number | null, sizeBytes: number): boolean {
	if (pageEntropy === null || !(sizeBytes >= MIN_JUDGED_BYTES)) return false;
	const { ceiling, filled, pages } = layoutOf(sizeBytes);
	const rounding = pages / (2 * ENTROPY_SCALE * filled);
	return contentEntropy(pageEntropy, sizeBytes) >= ceiling - NEAR_CEILING_BITS - rounding;
}

/** True for a write of at least 7.5 bits a byte, or of as much as its size allows. */
export function isHighEntropy(pageEntropy: number | null, sizeBytes: number): boolean {
	return pageEntropy !== null && (pageEntropy >= HIGH_ENTROPY_BITS || isRandom(pageEntropy, sizeBytes));
}
