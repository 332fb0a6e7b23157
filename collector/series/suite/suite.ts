/**
 * `suite/` is what every `SeriesStore` promises, as tests. A store runs it by `behavesAsSeriesStore`.
 *
 * What it leaves open: which of two values is the first or last where series that are taken together have a point at the same
 * instant, and whether the first window of the asked range has a rate against what came before it.
 */
import { describe } from "node:test";
import { livesOn } from "./life.ts";
import { answersRandomQuestions } from "./random.ts";
import { readsWhatWasWritten } from "./reading.ts";
import { refuses } from "./refusals.ts";
import type { SeriesPlace, Stores } from "./stores.ts";
import { keepsValues } from "./values.ts";
import { summarises } from "./windows.ts";

const PARTS = {
	reading: readsWhatWasWritten,
	windows: summarises,
	refusals: refuses,
	values: keepsValues,
	life: livesOn,
	random: answersRandomQuestions,
} as const satisfies Readonly<Record<string, (stores: Stores) => void>>;

/** @param parts all, where they are left out */
export function behavesAsSeriesStore(
	name: string,
	makePlace: () => Promise<SeriesPlace>,
	parts: readonly (keyof typeof PARTS)[] = Object.keys(PARTS) as (keyof typeof PARTS)[],
): void {
	const stores: Stores = {
		makePlace,
		withStore: async (points, use) => {
			await using place = await makePlace();
			await using store = await place.open();
			await store.write(points);
			await store.flush();
			await use(store);
		},
	};
	describe(`${name} as a SeriesStore`, () => {
		for (const part of parts) PARTS[part](stores);
	});
}
