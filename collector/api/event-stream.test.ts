import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, it } from "node:test";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { UmbraError } from "../../common/errors.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { Catalog } from "../catalog/catalog.ts";
import type { AlertRecord, ChangesetRecord } from "../catalog/records.ts";
import { EVENT_LIMITS, type EventFilter, type EventLimits, streamEvents } from "./event-stream.ts";

/** Served one stream, and what became of it. */
async function serve(
	catalog: Catalog,
	limits: Partial<EventLimits>,
	filter: EventFilter = {},
): Promise<
	AsyncDisposable & { port: number; response: Promise<ServerResponse>; ended: Promise<UmbraError | undefined> }
> {
	const response = Promise.withResolvers<ServerResponse>();
	const ended = Promise.withResolvers<UmbraError | undefined>();
	const server = createServer(async (request, reply) => {
		response.resolve(reply);
		const gone = new AbortController();
		reply.once("close", () => gone.abort());
		const after = request.headers["last-event-id"]?.toString();
		const options = { response: reply, catalog, filter, after, signal: gone.signal };
		ended.resolve(await streamEvents({ ...options, limits: { ...EVENT_LIMITS, ...limits } }));
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return {
		port: (server.address() as AddressInfo).port,
		response: response.promise,
		ended: ended.promise,
		[Symbol.asyncDispose]: async () => {
			server.closeAllConnections();
			server.close();
		},
	};
}

const bigAlert = (at: number): AlertRecord =>
	({
		id: `alert-${at}`,
		vm: "web",
		time: String(at),
		state: "firing",
		severity: "critical",
		count: 1,
		quiet: 0,
		undelivered: [],
		files: Array.from({ length: 50 }, () => "/".padEnd(4000, "x")),
	}) as unknown as AlertRecord;

const judge = async (catalog: Catalog, alerts: readonly AlertRecord[], time = "1", vm = "web") => {
	const changeset = { vm, time } as ChangesetRecord;
	await catalog.saveJudgement({ changeset, verdict: null, alerts });
};

describe("streamEvents", () => {
	it("cuts off a client that takes nothing, tells it why, and keeps little for it", async () => {
		await using folder = await tempFolder();
		await using catalog = await Catalog.open(folder.path);
		// More than the system's own buffers take.
		await judge(
			catalog,
			Array.from({ length: 100 }, (_, at) => bigAlert(at)),
		);
		await using server = await serve(catalog, { slowMs: 50, farewellMs: 60_000 });
		const socket = connect(server.port, "127.0.0.1");
		const first = `${catalog.collectorId.slice(0, 8)}-0`;
		socket.write(`GET / HTTP/1.1\r\nhost: x\r\nlast-event-id: ${first}\r\n\r\n`);
		socket.pause();
		const reason = await server.ended;
		assert.equal(reason?.code, "limit");
		assert.match(reason.message, /took nothing for 0.05 s/);
		const response = await server.response;
		assert.ok(response.writableLength < 1024 * 1024, `${response.writableLength} bytes are kept`);
		// It wakes up: the reason is the last that it reads.
		let text = "";
		socket.on("data", (bytes) => {
			text = (text + bytes.toString("latin1")).slice(-2000);
		});
		socket.resume();
		await once(socket, "end");
		assert.match(text, /event: dropped\r?\ndata: \{"error":\{"code":"limit","message":"the client took nothing/);
	});

	it("lets go of a client that stays away even then", async () => {
		await using folder = await tempFolder();
		await using catalog = await Catalog.open(folder.path);
		await judge(
			catalog,
			Array.from({ length: 100 }, (_, at) => bigAlert(at)),
		);
		await using server = await serve(catalog, { slowMs: 20, farewellMs: 20 });
		const socket = connect(server.port, "127.0.0.1");
		socket.write(`GET / HTTP/1.1\r\nhost: x\r\nlast-event-id: ${catalog.collectorId.slice(0, 8)}-0\r\n\r\n`);
		socket.pause();
		await server.ended;
		const response = await server.response;
		if (!response.destroyed) await once(response, "close");
		socket.destroy();
	});

	it("says now and then that it is there, and how far it came past what is filtered away", async () => {
		await using folder = await tempFolder();
		await using catalog = await Catalog.open(folder.path);
		await using server = await serve(catalog, { heartbeatMs: 10 }, { vm: "other", type: "alert" });
		const abort = new AbortController();
		const response = await fetch(`http://127.0.0.1:${server.port}/`, { signal: abort.signal });
		let comments = 0;
		let id = "";
		let text = "";
		const events: EventSourceMessage[] = [];
		const parser = createParser({ onEvent: (event) => events.push(event), onComment: () => comments++ });
		const decoder = new TextDecoder();
		for await (const bytes of response.body!) {
			const piece = decoder.decode(bytes, { stream: true });
			parser.feed(piece);
			text += piece;
			// One piece may bring several.
			if (comments >= 2 && id === "") {
				await judge(catalog, [bigAlert(1), { ...bigAlert(2), vm: "other" }]);
				await judge(catalog, [bigAlert(3)]);
				id = "wanted";
			}
			if (id !== "" && text.includes(`id: ${catalog.collectorId.slice(0, 8)}-5\n\n`)) break;
		}
		abort.abort();
		assert.deepEqual(
			events.map(({ event, data }) => [event, JSON.parse(data).id]),
			[
				["ready", undefined],
				["alert", "alert-2"],
			],
		);
		assert.equal(await server.ended, undefined, "a client that leaves is not cut off");
	});

	it("leaves out what a later event tells of", async () => {
		await using folder = await tempFolder();
		await using catalog = await Catalog.open(folder.path);
		const alert = { ...bigAlert(1), files: [] };
		await judge(catalog, [alert]);
		await judge(catalog, [{ ...alert, count: 2, quiet: 0 }], "2");
		await judge(catalog, [{ ...alert, count: 2, quiet: 1 }], "3");
		await judge(catalog, [{ ...alert, count: 2, quiet: 3, state: "resolved" }], "4");
		await using server = await serve(catalog, {}, { type: "alert" });
		const headers = { "last-event-id": `${catalog.collectorId.slice(0, 8)}-0` };
		const abort = new AbortController();
		const response = await fetch(`http://127.0.0.1:${server.port}/`, { headers, signal: abort.signal });
		const events: EventSourceMessage[] = [];
		const parser = createParser({ onEvent: (event) => events.push(event) });
		for await (const bytes of response.body!) {
			parser.feed(new TextDecoder().decode(bytes));
			if (events.length === 2) break;
		}
		abort.abort();
		assert.equal(JSON.parse(events[1]!.data).state, "resolved");
	});
});
