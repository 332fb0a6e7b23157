/** The collector's events as they come: a connection that breaks is made again, and goes on where it ended. */
import { setTimeout as sleep } from "node:timers/promises";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { isUmbraError, messageOf, UmbraError } from "../common/errors.ts";
import type { CollectorClient, Query } from "./collector-client.ts";

export interface FollowOptions {
	readonly signal: AbortSignal;
	/** For people: the connection broke, or is there again. */
	readonly note: (text: string) => void;
	/** The collector writes at least every 15 seconds; after so long in silence it is not there any more. */
	readonly silenceMs?: number;
	readonly firstPauseMs?: number;
}

export interface CollectorEvent {
	/** `ready` whenever a connection was made; `missed` in it says that events are lost, before the first of them too. */
	readonly type: string;
	/** JSON as the collector sent it. */
	readonly data: unknown;
}

const SILENCE_MS = 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** An alert or a changeset is at most a few hundred KB. */
const MAX_EVENT_LENGTH = 64 * 1024 * 1024;

/**
 * Ends only by the signal.
 *
 * @throws UmbraError where the first connection cannot be made, or a later one is refused for good.
 */
export async function* followEvents(
	client: CollectorClient,
	query: Query,
	options: FollowOptions,
): AsyncGenerator<CollectorEvent, void, undefined> {
	const { signal, note, firstPauseMs = FIRST_PAUSE_MS } = options;
	let lastId: string | undefined;
	let pauseMs = firstPauseMs;
	let isFirst = true;
	while (!signal.aborted) {
		try {
			for await (const { id, event = "message", data } of connection(client, query, lastId, options)) {
				lastId = id ?? lastId;
				if (event === "dropped") throw droppedError(data);
				if (event === "ready" && !isFirst) note("connected again");
				isFirst = false;
				pauseMs = firstPauseMs;
				yield { type: event, data: JSON.parse(data) as unknown };
			}
			throw new UmbraError("unavailable", "the collector ended the stream");
		} catch (error) {
			if (signal.aborted) return;
			if (isFirst || !isUmbraError(error, "unavailable", "limit")) throw error;
			note(`${messageOf(error)}; trying again`);
			await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
			pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
		}
	}
}

async function* connection(
	client: CollectorClient,
	query: Query,
	lastId: string | undefined,
	{ signal, silenceMs = SILENCE_MS }: FollowOptions,
): AsyncGenerator<EventSourceMessage, void, undefined> {
	const silent = new AbortController();
	const timer = setTimeout(() => silent.abort(), silenceMs);
	const either = AbortSignal.any([signal, silent.signal]);
	const found: EventSourceMessage[] = [];
	const parser = createParser({ onEvent: (event) => found.push(event), maxBufferSize: MAX_EVENT_LENGTH });
	try {
		const headers = lastId === undefined ? {} : { "last-event-id": lastId };
		const { body } = await client.fetch("/v1/events", query, { headers, signal: either });
		const decoder = new TextDecoder();
		for await (const bytes of body ?? []) {
			timer.refresh();
			parser.feed(decoder.decode(bytes, { stream: true }));
			yield* found.splice(0);
		}
	} catch (error) {
		if (isUmbraError(error) || signal.aborted) throw error;
		const why = silent.signal.aborted ? `it was silent for ${silenceMs / 1000} s` : messageOf(error);
		throw new UmbraError("unavailable", `the connection to the collector was lost: ${why}`, { cause: error });
	} finally {
		clearTimeout(timer);
		silent.abort();
	}
}

function droppedError(data: string): UmbraError {
	const { error } = JSON.parse(data) as { error?: { message?: string } };
	return new UmbraError("limit", `the collector ended the stream: ${error?.message ?? "it did not say why"}`);
}
