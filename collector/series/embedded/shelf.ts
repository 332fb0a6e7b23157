/** The parts that there are, as the manifest says, and who still reads those that are there no more. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import { isMeasurement, type MeasurementName } from "../../../common/measurements/measurements.ts";
import { translateFileError } from "./files.ts";
import { type Kept, type Manifest, NOTHING_KEPT, saveManifest } from "./manifest.ts";
import { type Part, parsePartFile, partFile } from "./parts.ts";

export interface ShelfChange {
	readonly add?: readonly Part[];
	readonly remove?: readonly Part[];
	readonly kept?: readonly (readonly [MeasurementName, Kept])[];
	readonly segment?: number;
}

export class Shelf {
	/** Where the parts lie. */
	readonly folder: string;
	readonly #manifestPath: string;
	readonly #log: Logger;
	#manifest: Manifest;
	#byMeasurement: Map<MeasurementName, Part[]>;
	#nextPart: number;
	/** The calls of `change`, one after the other. */
	#changing: Promise<void> = Promise.resolve();
	readonly #readers = new Set<symbol>();
	/** What waits for the readers that began before it. */
	#retired: { readonly readers: Set<symbol>; readonly clean: () => Promise<void> }[] = [];
	readonly #cleaning = new Set<Promise<void>>();

	private constructor(folder: string, manifestPath: string, manifest: Manifest, log: Logger) {
		this.folder = folder;
		this.#manifestPath = manifestPath;
		this.#manifest = manifest;
		this.#log = log;
		this.#nextPart = manifest.nextPart;
		this.#byMeasurement = Map.groupBy(manifest.parts, ({ measurement }) => measurement);
	}

	/**
	 * Parts that are gone or cut are told of and left out; files that belong to no part are removed.
	 *
	 * @throws UmbraError `unavailable` where the folder cannot be used.
	 */
	static async open(folder: string, manifestPath: string, manifest: Manifest, log: Logger): Promise<Shelf> {
		const there: Part[] = [];
		try {
			for (const part of manifest.parts) {
				const path = join(folder, partFile(part));
				const bytes = await sizeOf(path);
				if (bytes === part.bytes) there.push(part);
				else
					log.error(
						{ path, bytes, wanted: part.bytes },
						"a part of the series store is gone or cut: its points are lost",
					);
			}
			const named = new Set(there.map(partFile));
			for (const name of await readdir(folder)) {
				const isLeftOver = name.endsWith(".new") || isMeasurement(parsePartFile(name)?.measurement ?? "");
				if (isLeftOver && !named.has(name)) await rm(join(folder, name), { force: true });
			}
		} catch (error) {
			throw translateFileError(error, "read", folder);
		}
		const lost = manifest.parts.filter((part) => !there.includes(part));
		return new Shelf(folder, manifestPath, { ...manifest, parts: unfolded(there, lost) }, log);
	}

	get segment(): number {
		return this.#manifest.segment;
	}

	get all(): readonly Part[] {
		return this.#manifest.parts;
	}

	partsOf(measurement: MeasurementName): readonly Part[] {
		return this.#byMeasurement.get(measurement) ?? [];
	}

	keptOf(measurement: MeasurementName): Kept {
		return this.#manifest.kept.get(measurement) ?? NOTHING_KEPT;
	}

	/** For a part that is about to be made. */
	takeNumber(): number {
		return this.#nextPart++;
	}

	/**
	 * Makes the change final, then calls `meanwhile` at the very moment at which it is seen. Files of removed parts go once nobody reads them.
	 *
	 * @throws UmbraError `unavailable`: then nothing changed.
	 */
	async change({ add = [], remove = [], kept = [], segment }: ShelfChange, meanwhile?: () => void): Promise<void> {
		const turn = this.#changing.then(async () => {
			const gone = new Set(remove.map(({ number }) => number));
			const changed: Manifest = {
				segment: segment ?? this.#manifest.segment,
				nextPart: this.#nextPart,
				parts: [...this.#manifest.parts.filter(({ number }) => !gone.has(number)), ...add],
				kept: new Map([...this.#manifest.kept, ...kept]),
			};
			await saveManifest(this.#manifestPath, changed);
			this.#manifest = changed;
			this.#byMeasurement = Map.groupBy(changed.parts, ({ measurement }) => measurement);
			meanwhile?.();
		});
		this.#changing = turn.catch(() => {});
		await turn;
		const stays = new Set(add.map(({ number }) => number));
		for (const part of remove) {
			if (stays.has(part.number)) continue;
			const path = join(this.folder, partFile(part));
			this.retire(async () => await rm(path, { force: true }));
		}
	}

	/** Takes parts away that are lost. @throws as `change`. */
	async lose(parts: readonly Part[]): Promise<void> {
		const there = this.all.filter((part) => !parts.includes(part));
		const again = unfolded(there, parts).filter((part) => !there.includes(part));
		const before = there.filter(({ number }) => again.some((part) => part.number === number));
		await this.change({ add: again, remove: [...parts, ...before] });
	}

	/** What is read now stays until the reader is disposed of. */
	read(): Disposable {
		const reader = Symbol();
		this.#readers.add(reader);
		return {
			[Symbol.dispose]: () => {
				this.#readers.delete(reader);
				for (const { readers } of this.#retired) readers.delete(reader);
				this.#clean();
			},
		};
	}

	/** Calls `clean` once everybody has gone who may be reading now. */
	retire(clean: () => Promise<void>): void {
		this.#retired.push({ readers: new Set(this.#readers), clean });
		this.#clean();
	}

	#clean(): void {
		const ready = this.#retired.filter(({ readers }) => readers.size === 0);
		this.#retired = this.#retired.filter(({ readers }) => readers.size > 0);
		for (const { clean } of ready) {
			const cleaning = clean()
				.catch((error: unknown) => this.#log.warn({ error }, "the series store cannot remove what it needs no more"))
				.finally(() => this.#cleaning.delete(cleaning));
			this.#cleaning.add(cleaning);
		}
	}

	/** Resolves when all that could be cleaned is. */
	async cleaned(): Promise<void> {
		await Promise.all(this.#cleaning);
	}
}

/** Where minutes or hours are lost, raw points of that time do not count as folded any more: they are asked, and folded again. */
function unfolded(there: readonly Part[], lost: readonly Part[]): Part[] {
	const summaries = lost.filter(({ level }) => level !== "raw");
	return there.map((part) => {
		const isHit = summaries.some(
			({ measurement, beginNs, endNs }) =>
				measurement === part.measurement && part.beginNs < endNs && part.endNs > beginNs,
		);
		return part.level === "raw" && part.folded && isHit ? { ...part, folded: false } : part;
	});
}

async function sizeOf(path: string): Promise<number | undefined> {
	try {
		return (await stat(path)).size;
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return undefined;
		throw error;
	}
}
