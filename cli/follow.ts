/** A listing that goes on: what is there, then what comes. */
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError, messageOf } from "../common/errors.ts";
import type { CollectorClient, Query } from "./collector-client.ts";
import { followEvents } from "./events.ts";
import { printable } from "./printable.ts";

/** Names of what was shown, so that nothing is shown twice. */
const MAX_SHOWN = 10_000;
const RETRY_MS = 1_000;

export interface FollowListOptions<T> {
	readonly client: CollectorClient;
	/** Of events. */
	readonly query: Query;
	readonly signal: AbortSignal;
	/** What is there, oldest first. */
	recent(): AsyncIterable<T>;
	/** What may have come while events were lost. */
	missed(): AsyncIterable<T>;
	/** What an event tells of; nothing where it went again. */
	told(data: unknown): AsyncIterable<T>;
	/** Equal for what looks the same; undefined for what is not to be shown. */
	nameOf(item: T): string | undefined;
	show(item: T): Promise<void>;
}

/** Ends by the signal. @throws UmbraError as `followEvents`. */
export async function followList<T>(options: FollowListOptions<T>): Promise<void> {
	const { client, query, signal, recent, missed, told, nameOf, show } = options;
	const note = (text: string) => void process.stderr.write(`umbra: ${printable(text)}\n`);
	const shown = new Set<string>();
	const showNews = async (items: () => AsyncIterable<T>): Promise<void> => {
		while (!signal.aborted) {
			try {
				for await (const item of items()) {
					const name = nameOf(item);
					if (name === undefined || shown.has(name)) continue;
					await show(item);
					shown.add(name);
					for (const oldest of shown) {
						if (shown.size <= MAX_SHOWN) break;
						shown.delete(oldest);
					}
				}
				return;
			} catch (error) {
				if (signal.aborted) return;
				if (!isUmbraError(error, "unavailable")) throw error;
				note(`${messageOf(error)}; trying again`);
				await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
			}
		}
	};
	let isFirst = true;
	// Events first, then the listing: what comes in between is in both.
	for await (const { type, data } of followEvents(client, query, { signal, note })) {
		if (type !== "ready") await showNews(() => told(data));
		else if (isFirst) await showNews(recent);
		else if ((data as { missed?: boolean }).missed === true) await showNews(missed);
		isFirst = false;
	}
}
