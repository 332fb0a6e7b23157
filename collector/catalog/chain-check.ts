/** Verifies a VM's hash chain against what the catalog holds of its changesets, while changesets come and go. */
import type { Catalog } from "./catalog.ts";
import { type ChainRecord, changesetDigest, FilesHash, formatHead, type LinkRecord, linkHash } from "./chain.ts";
import type { ChangesetRecord } from "./records.ts";

/** Links and changesets looked at together. */
const BATCH = 500;

/** The first link that does not hold. */
export interface BrokenLink {
	/** 0 where a changeset has no link at all. */
	readonly sequence: number;
	/** Of the changeset, Unix nanoseconds; empty where nothing tells. */
	readonly time: string;
	readonly message: string;
}

export interface ChainCheck {
	readonly vm: string;
	/** `sequence:hash` of the newest link when the check began; null where the VM has no chain. */
	readonly head: string | null;
	/** Time of the first changeset that the chain covers; null where there is none. */
	readonly begun: string | null;
	/** Changesets from before the chain: nothing vouches for them. */
	readonly before: number;
	readonly links: number;
	/** Links whose changesets were dropped since. */
	readonly dropped: number;
	readonly broken: BrokenLink | null;
}

export interface ChainCheckOptions {
	/** Reads the file changes too; without, they are not verified. */
	readonly files: boolean;
	readonly signal?: AbortSignal | undefined;
}

/** @throws UmbraError where the catalog cannot be read; the signal's reason. */
export async function checkChain(catalog: Catalog, vm: string, options: ChainCheckOptions): Promise<ChainCheck> {
	return await new Check(catalog, vm, options).run();
}

/** Every VM that has points or once had a chain. */
export async function* checkChains(catalog: Catalog, options: ChainCheckOptions): AsyncGenerator<ChainCheck> {
	const seen = new Set<string>();
	for await (const { vm } of catalog.chains()) {
		seen.add(vm);
		yield await checkChain(catalog, vm, options);
	}
	let cursor: string | undefined;
	do {
		const page = await catalog.vms({ cursor });
		for (const { vm } of page.items) if (!seen.has(vm)) yield await checkChain(catalog, vm, options);
		cursor = page.next ?? undefined;
	} while (cursor !== undefined);
}

class Check {
	readonly #catalog: Catalog;
	readonly #vm: string;
	readonly #options: ChainCheckOptions;
	#broken: BrokenLink | null = null;
	#dropped = 0;
	#before = 0;
	/** The times of what the VM's head can be: the last that was captured, else the newest that was imported. */
	#captured: string | undefined;
	#imported: string | undefined;

	constructor(catalog: Catalog, vm: string, options: ChainCheckOptions) {
		this.#catalog = catalog;
		this.#vm = vm;
		this.#options = options;
	}

	async run(): Promise<ChainCheck> {
		const head = await this.#catalog.chain(this.#vm);
		if (head !== undefined) await this.#links(head);
		await this.#changesets(head);
		if (head !== undefined) await this.#head(head);
		return {
			vm: this.#vm,
			head: head === undefined ? null : formatHead(head),
			begun: head?.begun ?? null,
			before: this.#before,
			links: head?.sequence ?? 0,
			dropped: this.#dropped,
			broken: this.#broken,
		};
	}

	/** From the first link to the head; stops at the first that does not hold, as none behind it proves anything. */
	async #links(head: ChainRecord): Promise<void> {
		const { signal } = this.#options;
		let previous = "";
		for (let first = 1; first <= head.sequence && this.#broken === null; first += BATCH) {
			signal?.throwIfAborted();
			const last = Math.min(head.sequence, first + BATCH - 1);
			const links = await this.#catalog.links(this.#vm, first, last);
			const times = links.map((link) => link?.time ?? "0");
			const changesets = await this.#catalog.changesetsAt(this.#vm, times);
			for (const [at, link] of links.entries()) {
				const sequence = first + at;
				const fault = await this.#fault(sequence, link, previous, changesets[at]);
				if (fault !== undefined) {
					this.#broken = { sequence, time: link?.time ?? "", message: fault };
					return;
				}
				previous = link?.hash ?? "";
				if (link?.dropped !== undefined) this.#dropped++;
				else if (changesets[at] !== undefined) this.#passed(changesets[at]);
			}
		}
		if (this.#broken === null && previous !== head.hash) {
			const message = "the newest link is not the one that the head names";
			this.#broken = { sequence: head.sequence, time: head.time, message };
		}
	}

	#passed({ time, imported }: ChangesetRecord): void {
		if (imported === undefined) this.#captured = time;
		else if (BigInt(time) > BigInt(this.#imported ?? 0)) this.#imported = time;
	}

	/** What is wrong with one link. */
	async #fault(
		sequence: number,
		link: LinkRecord | undefined,
		previous: string,
		changeset: ChangesetRecord | undefined,
	): Promise<string | undefined> {
		if (link === undefined) return "the link is gone";
		if (link.hash !== linkHash(this.#vm, sequence, previous, link.time, link.digest)) {
			return "its hash is not that of the link before and its own content";
		}
		if (link.dropped !== undefined) {
			return link.dropped.altered === true ? "the changeset had been altered before it was dropped" : undefined;
		}
		if (changeset === undefined) {
			// Retention may have come between the two reads.
			const now = await this.#catalog.link(this.#vm, sequence);
			return now?.dropped === undefined ? "the changeset is gone, and nothing says that it was dropped" : undefined;
		}
		const { chain } = changeset;
		if (chain?.sequence !== sequence || chain.hash !== link.hash) return "the changeset carries another link";
		if (changesetDigest(changeset, chain.files) !== link.digest) return "the changeset is not what it was";
		if (!this.#options.files || chain.files === (await this.#filesHash(changeset))) return undefined;
		const still = await this.#catalog.changeset(this.#vm, link.time);
		return still === undefined ? undefined : "the file changes are not what they were";
	}

	async #filesHash({ vm, time }: ChangesetRecord): Promise<string> {
		const hash = new FilesHash();
		let cursor: string | undefined;
		do {
			this.#options.signal?.throwIfAborted();
			const page = await this.#catalog.fileChanges(vm, time, { cursor });
			hash.add(page.items);
			cursor = page.next ?? undefined;
		} while (cursor !== undefined);
		return hash.end();
	}

	/** Changesets that no link knows, or that should be gone. */
	async #changesets(head: ChainRecord | undefined): Promise<void> {
		let cursor: string | undefined;
		do {
			this.#options.signal?.throwIfAborted();
			const page = await this.#catalog.changesets(this.#vm, { cursor, limit: BATCH });
			for (const { time, chain } of page.items) {
				const sequence = chain?.sequence ?? 0;
				if (sequence > (head?.sequence ?? 0)) {
					// Those that came since are for the next check.
					const now = await this.#catalog.chain(this.#vm);
					if (now !== undefined && sequence <= now.sequence) continue;
					this.#broken ??= { sequence, time, message: "the chain's head does not reach to this changeset" };
					continue;
				}
				if (chain === undefined && (head === undefined || BigInt(time) < BigInt(head.begun))) {
					this.#before++;
					continue;
				}
				if (this.#broken !== null && this.#broken.sequence <= sequence) continue;
				const link = chain === undefined ? undefined : await this.#catalog.link(this.#vm, sequence);
				if (link?.time === time && link.dropped === undefined) continue;
				// Dropped since the page was read.
				if ((await this.#catalog.changeset(this.#vm, time)) === undefined) continue;
				const message =
					link?.dropped === undefined ? "no link knows the changeset" : "the changeset was dropped, but is there";
				this.#broken = { sequence, time, message };
			}
			cursor = page.next ?? undefined;
		} while (cursor !== undefined);
	}

	/** The VM's head is the chain's. */
	async #head(head: ChainRecord): Promise<void> {
		const record = await this.#catalog.vm(this.#vm);
		if (this.#broken !== null || record === undefined) return;
		const time = this.#captured ?? this.#imported;
		if (record.headTime === time) return;
		// From before the chain: all that it covers was imported.
		if (this.#captured === undefined && BigInt(record.headTime) < BigInt(head.begun)) return;
		// A changeset came, or the VM went, while this ran.
		const now = await this.#catalog.chain(this.#vm);
		if (now !== undefined && now.sequence > head.sequence) return;
		const message = `the VM's newest changeset is of ${record.headTime}, the chain's of ${time ?? "no time"}`;
		this.#broken = { sequence: head.sequence, time: head.time, message };
	}
}

/** Whether a head that was noted earlier is part of the chain still, and the chain holds. */
export interface HeadCheck extends ChainCheck {
	readonly noted: string;
	readonly isPart: boolean;
}

/** @throws UmbraError where the catalog cannot be read; the signal's reason. */
export async function checkHead(
	catalog: Catalog,
	vm: string,
	noted: { readonly sequence: number; readonly hash: string },
	options: ChainCheckOptions,
): Promise<HeadCheck> {
	const check = await checkChain(catalog, vm, options);
	const link = await catalog.link(vm, noted.sequence);
	return { ...check, noted: formatHead(noted), isPart: check.head !== null && link?.hash === noted.hash };
}
