import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { isUmbraError } from "../common/errors.ts";
import { CollectorClient } from "./collector-client.ts";
import { type CollectorEvent, followEvents } from "./events.ts";
import { standIn } from "./testing.ts";

const ready = (response: ServerResponse, id: string, missed = false) =>
	response.write(`id: ${id}\nevent: ready\ndata: {"missed":${missed}}\n\n`);

/** Longer than a machine stands still. */
const LONG_MS = 60_000;

describe("followEvents", () => {
	/** Follows a stand-in that answers its connections one after another; ends with the last of `wanted` events. */
	async function follow(
		answers: readonly ((response: ServerResponse) => void)[],
		wanted: number,
		{ silenceMs = LONG_MS }: { readonly silenceMs?: number } = {},
	) {
		let connections = 0;
		await using server = await standIn((_, response) => answers[connections++]?.(response));
		const client = await CollectorClient.from({ collector: server.url });
		const abort = new AbortController();
		const notes: string[] = [];
		const events: CollectorEvent[] = [];
		const following = {
			signal: abort.signal,
			note: (text: string) => notes.push(text),
			firstPauseMs: 1,
			// Where the first cannot be made nothing is tried again.
			get silenceMs() {
				return connections === 0 ? LONG_MS : silenceMs;
			},
		};
		for await (const event of followEvents(client, { vm: "web" }, following)) {
			events.push(event);
			if (events.length === wanted) abort.abort();
		}
		const ids = server.requests.map(({ headers }) => headers["last-event-id"]);
		return { events, notes, ids, urls: server.requests.map(({ url }) => url) };
	}

	it("goes on where a broken connection ended, and says so", async () => {
		const { events, notes, ids, urls } = await follow(
			[
				(response) => {
					ready(response, "e-1");
					// Cut in the middle of an event: that one was not seen.
					response.write('id: e-2\nevent: alert\ndata: {"at":2}\n\nid: e-3\nevent: alert\nda', () =>
						response.destroy(),
					);
				},
				(response) => void response.writeHead(503).end('{"error":{"code":"unavailable","message":"starting"}}'),
				(response) => {
					ready(response, "e-2");
					response.write(': still here\n\nid: e-3\n\nid: e-4\nevent: alert\ndata: {"at":4}\n\n');
				},
			],
			4,
		);
		assert.deepEqual(
			events.map(({ type, data }) => [type, data]),
			[
				["ready", { missed: false }],
				["alert", { at: 2 }],
				["ready", { missed: false }],
				["alert", { at: 4 }],
			],
		);
		assert.deepEqual(ids, [undefined, "e-2", "e-2"]);
		assert.deepEqual(new Set(urls), new Set(["/v1/events?vm=web"]));
		assert.equal(notes.length, 3);
		assert.match(notes[0]!, /lost: .*; trying again$/);
		assert.match(notes[1]!, /^starting; trying again$/);
		assert.equal(notes[2], "connected again");
	});

	it("comes back after it was cut off for being slow, and after silence", async () => {
		const { events, notes } = await follow(
			[
				(response) => {
					ready(response, "e-1");
					response.end('event: dropped\ndata: {"error":{"code":"limit","message":"it took nothing"}}\n\n');
				},
				(response) => void ready(response, "e-1"),
				// Where this process stands still, what is said may not be heard in time.
				...Array.from({ length: 20 }, () => (response: ServerResponse) => void ready(response, "e-1", true)),
			],
			3,
			{ silenceMs: 1000 },
		);
		assert.deepEqual(events.at(-1)?.data, { missed: true });
		assert.match(notes[0]!, /ended the stream: it took nothing/);
		assert.ok(notes.some((note) => /silent for 1 s/.test(note)));
	});

	it("gives up where it is refused, and where there was no connection at all", async () => {
		const denied = '{"error":{"code":"denied","message":"wrong token"}}';
		const refuse = (response: ServerResponse) => void response.writeHead(401).end(denied);
		await assert.rejects(follow([refuse], 1), (error) => isUmbraError(error, "denied"));
		const cut = (response: ServerResponse) => {
			ready(response, "e-1");
			response.destroy();
		};
		await assert.rejects(follow([cut, refuse], 2), (error) => isUmbraError(error, "denied", "unavailable"));
		const client = await CollectorClient.from({ collector: "http://127.0.0.1:1" });
		const options = { signal: new AbortController().signal, note: () => undefined };
		await assert.rejects(followEvents(client, {}, options).next(), (error) => isUmbraError(error, "unavailable"));
	});
});
