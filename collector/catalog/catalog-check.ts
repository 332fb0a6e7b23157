/**
 * Looks for damage in the catalog while everything else goes on: in the files of its database, in each record, and for
 * records that others need and that are not there.
 */
import { isUmbraError } from "../../common/errors.ts";
import { verifyFiles } from "../../common/leveldb/verify.ts";
import { referencesOf } from "./references.ts";
import type { LevelStore } from "./store.ts";

/** Damage that is told; more is counted. */
const MAX_DAMAGE = 100;
/** Records looked at together. */
const BATCH = 500;

export interface CatalogDamage {
	/** A file of the database, or a record's key. */
	readonly place: string;
	readonly message: string;
}

export interface CatalogCheck {
	readonly records: number;
	readonly files: number;
	/** Of the files. */
	readonly bytes: number;
	readonly damageCount: number;
	readonly damage: readonly CatalogDamage[];
}

interface Known {
	readonly key: string;
	readonly value: unknown;
	readonly needs: readonly string[];
}

/** @throws UmbraError where the catalog cannot be read at all; the signal's reason. */
export async function checkCatalog(store: LevelStore, signal?: AbortSignal): Promise<CatalogCheck> {
	const damage: CatalogDamage[] = [];
	let [records, damageCount] = [0, 0];
	const tell = (place: string, message: string): void => {
		damageCount++;
		if (damage.length < MAX_DAMAGE) damage.push({ place, message });
	};
	const { files, bytes, damage: found } = await verifyFiles(store.folder, { tables: true, signal });
	for (const { file, offset, message } of found) tell(`${file}, byte ${offset}`, message);
	let known: Known[] = [];
	for await (const { key, read } of store.everything()) {
		records++;
		try {
			const value = read();
			known.push({ key, value, needs: referencesOf(key, value) });
		} catch (error) {
			if (!isUmbraError(error)) throw error;
			tell(key, error.message);
		}
		if (known.length < BATCH) continue;
		signal?.throwIfAborted();
		for (const { key: from, missing } of await gaps(store, known))
			tell(missing, `it is not there, but ${from} needs it`);
		known = [];
	}
	for (const { key: from, missing } of await gaps(store, known)) tell(missing, `it is not there, but ${from} needs it`);
	return { records, files, bytes, damageCount, damage };
}

/** What of these records needs is missing. */
async function gaps(
	store: LevelStore,
	known: readonly Known[],
): Promise<{ readonly key: string; readonly missing: string }[]> {
	const needs = known.flatMap(({ key, value, needs }) => needs.map((missing) => ({ key, value, missing })));
	const isThere = await store.hasMany(needs.map(({ missing }) => missing));
	const found: { readonly key: string; readonly missing: string }[] = [];
	for (const [at, { key, value, missing }] of needs.entries()) {
		// It may have gone since, and what it needed with it; or be another by now.
		if (isThere[at] === true || JSON.stringify(await store.get(key)) !== JSON.stringify(value)) continue;
		found.push({ key, missing });
	}
	return found;
}
