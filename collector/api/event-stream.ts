/**
 * Server-sent events (the HTML standard, section 9.2) out of the catalog's journal. A client is read to at its own pace,
 * from the journal, so that nothing is kept for it but what its connection has not taken yet; one that takes nothing for
 * too long is cut off, and told so.
 */
import type { ServerResponse } from "node:http";
import { UmbraError } from "../../common/errors.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { alertMark, type JournalEntry } from "../catalog/journal.ts";
import type { AlertRecord, ChangesetRecord } from "../catalog/records.ts";
import { toHttp } from "./errors.ts";
import { type TrialView, trialView } from "./views.ts";

export interface EventLimits {
	/** A comment goes out after so long without anything else, so that both ends learn of a dead connection. */
	readonly heartbeatMs: number;
	/** How long a client may leave its buffer full. */
	readonly slowMs: number;
	/** How long a client that is cut off has to read why. */
	readonly farewellMs: number;
	/** What the browser's EventSource waits before it connects anew. */
	readonly retryMs: number;
}

export const EVENT_LIMITS: EventLimits = { heartbeatMs: 15_000, slowMs: 30_000, farewellMs: 5_000, retryMs: 2_000 };

/** Journal entries read at a time. */
const BATCH = 100;

export interface EventFilter {
	readonly vm?: string | undefined;
	readonly type?: JournalEntry["type"] | undefined;
}

export interface EventStreamOptions {
	readonly response: ServerResponse;
	readonly catalog: Catalog;
	readonly filter: EventFilter;
	/** `Last-Event-ID`; without one, what happens from now on. */
	readonly after: string | undefined;
	/** Ends the stream. */
	readonly signal: AbortSignal;
	readonly limits?: EventLimits;
}

/**
 * Resolves when the stream has ended, whoever ended it.
 *
 * @returns why the client was cut off, undefined where it was not.
 */
export async function streamEvents(options: EventStreamOptions): Promise<UmbraError | undefined> {
	const stream = new EventStream(options);
	try {
		await stream.run();
		return undefined;
	} catch (error) {
		return stream.fail(error);
	}
}

class EventStream {
	readonly #options: EventStreamOptions;
	readonly #limits: EventLimits;
	/** Number of the last entry that was dealt with. */
	#position: number;
	/** Number that the client knows of. */
	#told = 0;

	constructor(options: EventStreamOptions) {
		this.#options = options;
		this.#limits = options.limits ?? EVENT_LIMITS;
		this.#position = options.catalog.journal.head;
	}

	async run(): Promise<void> {
		const { response, catalog, after, signal } = this.#options;
		response.writeHead(200, {
			"content-type": "text/event-stream; charset=utf-8",
			"cache-control": "no-store",
			// A proxy that buffers would hold events back.
			"x-accel-buffering": "no",
		});
		const resumed = after === undefined ? undefined : this.#parseId(after);
		const missed = after !== undefined && resumed === undefined;
		if (resumed !== undefined) this.#position = resumed;
		await this.#write(`retry: ${this.#limits.retryMs}\n`);
		await this.#send("ready", this.#position, { collectorId: catalog.collectorId, missed });
		while (!signal.aborted) {
			const { head } = catalog.journal;
			const entries = await catalog.journal.read(this.#position, BATCH);
			for (const { number, entry } of entries) {
				this.#position = number;
				if (signal.aborted) return;
				const data = this.#isWanted(entry) ? await load(catalog, entry) : undefined;
				if (data !== undefined) await this.#send(entry.type, number, data);
			}
			// Numbers of batches that failed are missing.
			if (entries.length < BATCH) this.#position = Math.max(this.#position, head);
			if (entries.length === 0 && !(await this.#news())) await this.#heartbeat();
			if (this.#position < catalog.journal.forgotten) {
				throw new UmbraError("limit", "events were forgotten before this client took them");
			}
		}
		response.end();
	}

	/** Says why, as far as the client listens. */
	fail(error: unknown): UmbraError | undefined {
		const { response, signal } = this.#options;
		if (signal.aborted || response.destroyed) {
			response.destroy();
			return undefined;
		}
		const { body } = toHttp(error);
		response.end(`event: dropped\ndata: ${JSON.stringify(body)}\n\n`);
		const timer = setTimeout(() => response.destroy(), this.#limits.farewellMs);
		response.once("close", () => clearTimeout(timer));
		const { code, message } = body.error;
		return new UmbraError(code, message, { cause: error });
	}

	#isWanted(entry: JournalEntry): boolean {
		const { vm, type } = this.#options.filter;
		return (vm === undefined || entry.vm === vm) && (type === undefined || entry.type === type);
	}

	/** True where there may be more to read, false after a while without. */
	async #news(): Promise<boolean> {
		const { catalog, signal } = this.#options;
		const { promise, resolve } = Promise.withResolvers<boolean>();
		using _listening = catalog.journal.listen(() => resolve(true));
		// Something may have come since the last look.
		if (catalog.journal.head > this.#position) return true;
		const timer = setTimeout(resolve, this.#limits.heartbeatMs, false);
		const stop = () => resolve(true);
		signal.addEventListener("abort", stop, { once: true });
		try {
			return signal.aborted || (await promise);
		} finally {
			clearTimeout(timer);
			signal.removeEventListener("abort", stop);
		}
	}

	/** Also tells how far the stream has come where all was filtered away, so that resuming need not read it again. */
	async #heartbeat(): Promise<void> {
		const id = this.#told === this.#position ? "" : `id: ${this.#id(this.#position)}\n\n`;
		this.#told = this.#position;
		await this.#write(`: still here\n\n${id}`);
	}

	async #send(type: string, number: number, data: object): Promise<void> {
		this.#told = number;
		// JSON has no line breaks, so that one line of data is enough.
		await this.#write(`id: ${this.#id(number)}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
	}

	/** Waits until the client has taken what was written before. @throws UmbraError `limit` where it does not. */
	async #write(text: string): Promise<void> {
		const { response, signal } = this.#options;
		if (response.write(text)) return;
		const { promise, resolve } = Promise.withResolvers<boolean>();
		const timer = setTimeout(resolve, this.#limits.slowMs, false);
		const taken = () => resolve(true);
		response.once("drain", taken);
		signal.addEventListener("abort", taken, { once: true });
		try {
			if (await promise) return;
			throw new UmbraError("limit", `the client took nothing for ${this.#limits.slowMs / 1000} s`);
		} finally {
			clearTimeout(timer);
			response.off("drain", taken);
			signal.removeEventListener("abort", taken);
		}
	}

	/** Numbers begin anew with a new catalog: what the client saw of another one says nothing. */
	#id(number: number): string {
		return `${epochOf(this.#options.catalog)}-${number}`;
	}

	/** Undefined where what came after it cannot be told any more. */
	#parseId(id: string): number | undefined {
		const { catalog } = this.#options;
		const match = /^([0-9a-z]+)-(\d{1,15})$/.exec(id.trim());
		const number = Number(match?.[2]);
		const { head, forgotten } = catalog.journal;
		if (match?.[1] !== epochOf(catalog) || number > head || number < forgotten) return undefined;
		return number;
	}
}

function epochOf({ collectorId }: Catalog): string {
	return collectorId.slice(0, 8);
}

/** The record as it is now; undefined where it went, or where a later entry tells of it. */
async function load(
	catalog: Catalog,
	entry: JournalEntry,
): Promise<ChangesetRecord | AlertRecord | TrialView | undefined> {
	if (entry.type === "trial") {
		const trial = await catalog.trials.trialAt(entry.vm, entry.time, entry.id);
		return trial === undefined ? undefined : trialView(trial);
	}
	if (entry.type !== "alert") return await catalog.changeset(entry.vm, entry.time);
	const alert = await catalog.alert(entry.time, entry.id);
	return alert !== undefined && alertMark(alert) === entry.mark ? alert : undefined;
}
