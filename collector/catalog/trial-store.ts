/** Trials and signatures in the catalog: what is read of them, and the batches in which they are written. */
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { MAX_REPORT_BYTES } from "../../common/trial/report.ts";
import type { Journal } from "./journal.ts";
import { escapeComponent, keys, rangeBelow, timeComponent, unescapeComponent } from "./keys.ts";
import type { LevelStore, Operation, Page, PageOptions } from "./store.ts";
import type {
	PendingTrialRecord,
	SignatureRecord,
	TrialRecord,
	TrialStory,
	TrialStoryRecord,
} from "./trial-records.ts";

interface TrialPlace {
	readonly vm: string;
	readonly time: string;
	readonly id: string;
}

/** What one trial adds; written at once. */
export interface TrialFiling {
	readonly trial: TrialRecord;
	/** Those that it changed. */
	readonly signatures: readonly SignatureRecord[];
	/** Ids that other titles of a signature would have. */
	readonly aliases: readonly { readonly alias: string; readonly signature: string }[];
	readonly story: TrialStory | null;
	/** Trials of the VM that are not kept any more. */
	readonly dropped: readonly TrialPlace[];
	/** Trials of the VM whose stories are not kept any more. */
	readonly forgotten: readonly TrialPlace[];
}

/** `from` and `to` are times in nanoseconds, both inclusive. */
export interface TrialPageOptions extends Omit<PageOptions, "from" | "to"> {
	readonly vm?: string | undefined;
	readonly from?: bigint | undefined;
	readonly to?: bigint | undefined;
}

export class TrialStore {
	readonly #store: LevelStore;
	readonly #journal: Journal;

	constructor(store: LevelStore, journal: Journal) {
		this.#store = store;
		this.#journal = journal;
	}

	async trial(id: string): Promise<TrialRecord | undefined> {
		const at = await this.#store.get<{ vm: string; time: string }>(keys.trialId(id));
		return at === undefined ? undefined : await this.trialAt(at.vm, at.time, id);
	}

	async trialAt(vm: string, time: bigint | string, id: string): Promise<TrialRecord | undefined> {
		const record = await this.#store.get<TrialRecord>(keys.trial(vm, time, id));
		return record === undefined ? undefined : whole(record);
	}

	/** @throws UmbraError `corrupt`. */
	async story({ vm, time, id }: TrialPlace): Promise<TrialStory | undefined> {
		const record = await this.#store.get<TrialStoryRecord>(keys.trialStory(vm, time, id));
		if (record === undefined) return undefined;
		const json = zstdDecompressSync(Buffer.from(record.zstd, "base64"), { maxOutputLength: 2 * MAX_REPORT_BYTES });
		// Older ones have no events.
		return { events: [], ...(JSON.parse(json.toString("utf8")) as Omit<TrialStory, "events">) };
	}

	/** Trials that were begun and are not filed: running ones, and those of a collector that was killed. */
	async pending(): Promise<PendingTrialRecord[]> {
		const all = this.#store.all<PendingTrialRecord>(rangeBelow("trialpending"));
		return (await Array.fromAsync(all)).map(({ value }) => whole(value));
	}

	/** Resolves once they are on stable storage; filing one ends it. */
	async begin(trials: readonly PendingTrialRecord[]): Promise<void> {
		await this.#store.batch(trials.map((value) => ({ type: "put", key: keys.trialPending(value.id), value })));
	}

	/** In the order in which they began. */
	async trials({ vm, from, to, ...options }: TrialPageOptions = {}): Promise<Page<TrialRecord>> {
		const times = {
			...options,
			from: from === undefined ? undefined : timeComponent(from),
			to: to === undefined ? undefined : timeComponent(to),
		};
		if (vm !== undefined) {
			const page = await this.#store.page<TrialRecord>(rangeBelow("trial", escapeComponent(vm)), times);
			return { items: page.items.map(({ value }) => whole(value)), next: page.next };
		}
		const page = await this.#store.page<TrialPlace>(rangeBelow("trialtime"), times);
		const places = page.items.map(({ value }) => keys.trial(value.vm, value.time, value.id));
		const records = await this.#store.getMany<TrialRecord>(places);
		return { items: records.filter((record) => record !== undefined).map(whole), next: page.next };
	}

	/** Of one VM, the newest first. */
	async places(vm: string): Promise<TrialPlace[]> {
		const range = rangeBelow("trial", escapeComponent(vm));
		const places: TrialPlace[] = [];
		for await (const key of this.#store.keysReversed(range)) {
			const [time = "", id = ""] = key.slice(range.prefix.length).split("/");
			places.push({ vm, time: BigInt(time).toString(), id: unescapeComponent(id) });
		}
		return places;
	}

	async signature(id: string): Promise<SignatureRecord | undefined> {
		return await this.#store.get<SignatureRecord>(keys.signature(id));
	}

	/** The one that has one of these ids, or is also known by one. */
	async signatureNamed(ids: readonly string[]): Promise<SignatureRecord | undefined> {
		const own = await this.#store.getMany<SignatureRecord>(ids.map(keys.signature));
		const found = own.find((record) => record !== undefined);
		if (found !== undefined) return found;
		const aliases = await this.#store.getMany<string>(ids.map(keys.alias));
		const alias = aliases.find((id) => id !== undefined);
		return alias === undefined ? undefined : await this.signature(alias);
	}

	/** In the order of their ids; of one VM, those that its clones showed. */
	async signatures({ vm, ...options }: Omit<TrialPageOptions, "from" | "to"> = {}): Promise<Page<SignatureRecord>> {
		if (vm === undefined) {
			const page = await this.#store.page<SignatureRecord>(rangeBelow("signature"), options);
			return { items: page.items.map(({ value }) => value), next: page.next };
		}
		const range = rangeBelow("vmsignature", escapeComponent(vm));
		const page = await this.#store.page<unknown>(range, options);
		const records = await this.#store.getMany<SignatureRecord>(
			page.items.map(({ key }) => keys.signature(key.slice(range.prefix.length))),
		);
		return { items: records.filter((record) => record !== undefined), next: page.next };
	}

	async *allSignatures(): AsyncGenerator<SignatureRecord> {
		for await (const { value } of this.#store.all<SignatureRecord>(rangeBelow("signature"))) yield value;
	}

	/** After a failed write: `Catalog.recover`. */
	async recover(): Promise<void> {
		await this.#store.recover();
	}

	/** A trial that is not to be filed, since it was before or is too old. */
	async forget(id: string): Promise<void> {
		await this.#store.batch([{ type: "del", key: keys.trialPending(id) }]);
	}

	/** Resolves once all of it is on stable storage. */
	async file({ trial, signatures, aliases, story, dropped, forgotten }: TrialFiling): Promise<void> {
		const { vm, time, id } = trial;
		const place: TrialPlace = { vm, time, id };
		const operations: Operation[] = [
			{ type: "put", key: keys.trial(vm, time, id), value: trial },
			{ type: "put", key: keys.trialId(id), value: { vm, time } },
			{ type: "put", key: keys.trialTime(time, id), value: place },
			{ type: "del", key: keys.trialPending(id) },
		];
		if (story !== null) {
			const zstd = zstdCompressSync(JSON.stringify(story)).toString("base64");
			operations.push({ type: "put", key: keys.trialStory(vm, time, id), value: { zstd } satisfies TrialStoryRecord });
		}
		pushSignatures(operations, signatures, aliases);
		const shown = signatures.find(({ id: each, vms }) => each === trial.signature && vms.includes(vm));
		if (shown !== undefined) operations.push({ type: "put", key: keys.vmSignature(vm, shown.id), value: 0 });
		for (const each of dropped) {
			operations.push(
				{ type: "del", key: keys.trial(each.vm, each.time, each.id) },
				{ type: "del", key: keys.trialId(each.id) },
				{ type: "del", key: keys.trialTime(each.time, each.id) },
			);
		}
		for (const each of [...dropped, ...forgotten]) {
			operations.push({ type: "del", key: keys.trialStory(each.vm, each.time, each.id) });
		}
		using _event = this.#journal.write(operations, [{ type: "trial", vm, time, id }]);
		await this.#store.batch(operations);
	}

	/** Whose VMs are what they were. */
	async saveSignatures(signatures: readonly SignatureRecord[], aliases: TrialFiling["aliases"] = []): Promise<void> {
		const operations: Operation[] = [];
		pushSignatures(operations, signatures, aliases);
		if (operations.length > 0) await this.#store.batch(operations);
	}
}

/** With what records lack that an earlier version wrote. */
function whole<T extends PendingTrialRecord>(record: T): T {
	return { ...record, durationMs: record.durationMs ?? record.profile?.duration ?? null, probes: record.probes ?? [] };
}

function pushSignatures(
	operations: Operation[],
	signatures: readonly SignatureRecord[],
	aliases: TrialFiling["aliases"],
): void {
	for (const signature of signatures) {
		operations.push({ type: "put", key: keys.signature(signature.id), value: signature });
	}
	for (const { alias, signature } of aliases)
		operations.push({ type: "put", key: keys.alias(alias), value: signature });
}
