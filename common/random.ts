/** Seeded pseudo-randomness: sfc32 (Doty-Humphrey's PractRand), whose sequence is the same on every machine. */

export interface Random {
	/** What makes the same sequence again. */
	readonly seed: number;
	/** A whole number from 0 to below `limit`. */
	below(limit: number): number;
	/** A whole number from `low` to `high`, both included. */
	between(low: number, high: number): number;
	/** From 0 to below 1. */
	fraction(): number;
	/** True with probability `probability`. */
	chance(probability: number): boolean;
	/** @throws RangeError where there is nothing to pick. */
	pick<T>(values: readonly T[]): T;
	/** The same values in another order. */
	shuffle<T>(values: readonly T[]): T[];
	/** High-entropy bytes. */
	bytes(length: number): Buffer;
}

/** @param seed any whole number; its low 32 bits count. */
export function createRandom(seed: number): Random {
	let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, seed | 0, 1];
	const next = (): number => {
		const sum = (((a + b) | 0) + counter) | 0;
		counter = (counter + 1) | 0;
		a = b ^ (b >>> 9);
		b = (c + (c << 3)) | 0;
		c = ((c << 21) | (c >>> 11)) + sum;
		return sum >>> 0;
	};
	// Near seeds give near sequences until the state has been mixed.
	for (let round = 0; round < 12; round++) next();

	const fraction = (): number => next() / 2 ** 32;
	const below = (limit: number): number => Math.floor(fraction() * limit);
	const pick = <T>(values: readonly T[]): T => {
		if (values.length === 0) throw new RangeError("nothing to pick from");
		return values[below(values.length)] as T;
	};
	return {
		seed,
		below,
		between: (low, high) => low + below(high - low + 1),
		fraction,
		chance: (probability) => fraction() < probability,
		pick,
		shuffle: (values) => {
			const result = [...values];
			for (let last = result.length - 1; last > 0; last--) {
				const other = below(last + 1);
				[result[last], result[other]] = [result[other]!, result[last]!];
			}
			return result;
		},
		bytes: (length) => {
			const result = Buffer.allocUnsafe(length);
			let at = 0;
			for (; at + 4 <= length; at += 4) result.writeUInt32LE(next(), at);
			for (; at < length; at++) result[at] = next() & 0xff;
			return result;
		},
	};
}
