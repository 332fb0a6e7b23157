/** Numbers out of repeated runs. */

/** @throws RangeError for no values. */
export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = sorted.length / 2;
	const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
	if (low === undefined || high === undefined) throw new RangeError("the median of nothing");
	return (low + high) / 2;
}

/**
 * Runs every variant once a round, in another order each round, so that neither a slow minute nor the order favours
 * one of them. The first `warmUp` rounds do not count.
 *
 * @returns what each variant returned, round by round
 */
export async function interleaved<K extends string, T>(
	variants: Readonly<Record<K, (round: number) => Promise<T>>>,
	rounds: number,
	warmUp = 1,
): Promise<Record<K, T[]>> {
	const names = Object.keys(variants) as K[];
	const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<K, T[]>;
	for (let round = 0; round < warmUp + rounds; round++) {
		for (let turn = 0; turn < names.length; turn++) {
			const name = names[(turn + round) % names.length] as K;
			const result = await variants[name](round);
			if (round >= warmUp) results[name].push(result);
		}
	}
	return results;
}

/** 1234.5 -> "1,235"; 0.123 -> "0.12" */
export function number(value: number): string {
	return value.toLocaleString("en-GB", { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}

/** "median 12 (9 to 20)" of milliseconds or whatever `unit` says. */
export function spread(values: readonly number[], unit: string): string {
	return `${number(median(values))} ${unit} (${number(Math.min(...values))} to ${number(Math.max(...values))})`;
}
