import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UmbraError } from "../../../common/errors.ts";
import { testRandom } from "../../../test/support/random.ts";
import { until } from "../../../test/support/wait.ts";
import { assertBytes, errorOf } from "../testing.ts";
import { BASE_ALLOCATION, NbdClient } from "./client.ts";
import {
	ACK,
	blockSize,
	chunk,
	data,
	exportInfo,
	failure,
	hole,
	metaContext,
	optionReply,
	type Request,
	type Script,
	scripted,
	simple,
	status,
	u32,
	u64,
} from "./scripted-server.ts";
import { CMD_BLOCK_STATUS, CMD_READ } from "./wire.ts";

const CONTEXTS = [BASE_ALLOCATION];

describe("NbdClient against a server that breaks the protocol", () => {
	const offset = 65536;
	const length = 65536;
	/** What the server answers to a read of [offset, +length) or its status, and the field that is named as wrong. */
	const violations: readonly (readonly [name: string, type: number, field: string, reply: (r: Request) => Buffer])[] = [
		["no reply's magic", CMD_READ, "magic", () => Buffer.alloc(20, 0x11)],
		["another cookie", CMD_READ, "cookie", (r) => data({ ...r, cookie: r.cookie + 1n }, offset, length)],
		["a cookie beyond 2^53", CMD_READ, "cookie", (r) => data({ ...r, cookie: 2n ** 63n }, offset, length)],
		["an unknown chunk type", CMD_READ, "type", (r) => chunk(r, 77, Buffer.alloc(8))],
		["NONE without DONE", CMD_READ, "flags", (r) => chunk(r, 0, Buffer.alloc(0), { more: true })],
		["NONE with a payload", CMD_READ, "length", (r) => chunk(r, 0, Buffer.alloc(4))],
		["DONE before all has come", CMD_READ, "range", (r) => data(r, offset, length - 1)],
		["DONE before anything has come", CMD_READ, "range", (r) => chunk(r, 0, Buffer.alloc(0))],
		["a data chunk of 4 GiB", CMD_READ, "length", (r) => chunk(r, 1, u64(offset), { length: 0xffffffff })],
		["a data chunk beyond the request", CMD_READ, "range", (r) => data(r, offset, length + 1)],
		["a data chunk before the request", CMD_READ, "range", (r) => data(r, offset - 1, length)],
		["a data chunk at 2^63", CMD_READ, "range", (r) => chunk(r, 1, Buffer.concat([u64(2n ** 63n), Buffer.alloc(9)]))],
		["an empty data chunk", CMD_READ, "length", (r) => chunk(r, 1, u64(offset))],
		[
			"data sent twice",
			CMD_READ,
			"offset",
			(r) => Buffer.concat([data(r, offset, 512, true), data(r, offset + 511, 512)]),
		],
		[
			"a hole over data",
			CMD_READ,
			"offset",
			(r) => Buffer.concat([data(r, offset, 512, true), hole(r, offset, length)]),
		],
		["an empty hole", CMD_READ, "hole size", (r) => hole(r, offset, 0)],
		["a hole beyond the request", CMD_READ, "range", (r) => hole(r, offset, 0xffffffff)],
		["a hole chunk of 13 bytes", CMD_READ, "length", (r) => chunk(r, 2, Buffer.alloc(13))],
		["status in answer to a read", CMD_READ, "type", (r) => status(r, 7, [[length, 0]])],
		["a simple reply where structured ones were agreed", CMD_READ, "magic", (r) => simple(r, 0, Buffer.alloc(length))],
		["an error chunk of 1 MiB", CMD_READ, "length", (r) => chunk(r, 0x8001, Buffer.alloc(6), { length: 2 ** 20 })],
		["an error chunk of 5 bytes", CMD_READ, "length", (r) => chunk(r, 0x8001, Buffer.alloc(5))],
		["an error message that leaves its chunk", CMD_READ, "message length", (r) => failure(r, 5, "disk", { length: 5 })],
		["an error of value 0", CMD_READ, "error", (r) => failure(r, 0, "")],
		["data in answer to a status request", CMD_BLOCK_STATUS, "type", (r) => data(r, offset, length)],
		["a hole in answer to a status request", CMD_BLOCK_STATUS, "type", (r) => hole(r, offset, length)],
		["a context that was not granted", CMD_BLOCK_STATUS, "context id", (r) => status(r, 8, [[length, 0]])],
		[
			"a context twice",
			CMD_BLOCK_STATUS,
			"context id",
			(r) => Buffer.concat([status(r, 7, [[1, 0]], true), status(r, 7, [[1, 0]])]),
		],
		["no context", CMD_BLOCK_STATUS, "contexts answered", (r) => chunk(r, 0, Buffer.alloc(0))],
		["no descriptor", CMD_BLOCK_STATUS, "length", (r) => status(r, 7, [])],
		["half a descriptor", CMD_BLOCK_STATUS, "length", (r) => chunk(r, 5, Buffer.alloc(16))],
		["an empty descriptor", CMD_BLOCK_STATUS, "descriptor length", (r) => status(r, 7, [[0, 0]])],
		["a status chunk of 4 GiB", CMD_BLOCK_STATUS, "length", (r) => chunk(r, 5, u32(7), { length: 0xfffffffc })],
		["a simple success to a status request", CMD_BLOCK_STATUS, "magic", (r) => simple(r, 0)],
	];
	for (const [name, type, field, reply] of violations) {
		it(`fails everything that waits and closes: ${name}`, async () => {
			await using resources = new AsyncDisposableStack();
			let held = 0;
			const { address, sockets } = await scripted(
				{
					// The first request waits without an answer; the second gets the wrong one.
					request: (request) => {
						if (held++ > 0) request.socket.write(reply(request));
					},
				},
				resources,
			);
			await using client = await NbdClient.connect({ address, exportName: "", contexts: CONTEXTS });
			const bystander = errorOf(client.read(0, 4096));
			const victim = errorOf(type === CMD_READ ? client.read(offset, length) : client.blockStatus(offset, length));
			for (const error of [await victim, await bystander]) {
				assert.equal(error.code, "unavailable");
				assert.equal(error.context.field, field, error.message);
			}
			await until(() => sockets.size === 0, { what: "the connection closes", intervalMs: 1 });
			assert.equal((await errorOf(client.read(0, 1))).code, "unavailable");
		});
	}

	it("fails at the second DONE, and what had succeeded stays", async () => {
		await using resources = new AsyncDisposableStack();
		const { address, sockets } = await scripted(
			{ request: (r) => r.socket.write(Buffer.concat([data(r, r.offset, r.length), chunk(r, 0, Buffer.alloc(0))])) },
			resources,
		);
		await using client = await NbdClient.connect({ address, exportName: "" });
		assertBytes(await client.read(0, 4096), new Uint8Array(4096).fill(0xaa), "the answer");
		await until(() => sockets.size === 0, { what: "the connection closes", intervalMs: 1 });
		assert.equal((await errorOf(client.read(0, 1))).context.field, "cookie");
	});

	for (const cut of [1, 15, 19, 27, 5000, 65563]) {
		it(`fails when the connection ends after ${cut} bytes of a reply`, async () => {
			await using resources = new AsyncDisposableStack();
			const { address } = await scripted(
				{ request: (r) => r.socket.end(data(r, offset, length).subarray(0, cut)) },
				resources,
			);
			await using client = await NbdClient.connect({ address, exportName: "" });
			const pending = [client.read(offset, length), client.read(0, 1), client.readInto(new Uint8Array(9), 0)];
			for (const read of pending.map(errorOf)) assert.equal((await read).code, "unavailable");
		});
	}
});

describe("NbdClient.connect against a server that breaks the handshake", () => {
	const broken: readonly (readonly [name: string, code: string, field: string | undefined, script: Script])[] = [
		["another greeting", "unavailable", "NBDMAGIC", { greeting: Buffer.from("HTTP/1.1 400 Bad Request\r\n") }],
		["no IHAVEOPT", "unavailable", "IHAVEOPT", { greeting: Buffer.from("NBDMAGICNBDMAGIC\0\0") }],
		[
			"oldstyle",
			"unsupported",
			undefined,
			{ greeting: Buffer.concat([Buffer.from("NBDMAGIC"), u64(0x420281861253n), Buffer.alloc(136)]) },
		],
		["newstyle, not fixed", "unsupported", undefined, { greeting: Buffer.from("NBDMAGICIHAVEOPT\0\0") }],
		["a reply's magic", "unavailable", "magic", { option: () => Buffer.alloc(20) }],
		["a reply to another option", "unavailable", "option", { option: (option) => optionReply(option + 1, ACK) }],
		["a reply of 4 GiB", "unavailable", "length", { option: (o) => optionReply(o, ACK, undefined, 0xffffffff) }],
		["neither yes nor no", "unavailable", "type", { option: (option) => optionReply(option, 2) }],
		[
			"a context that was not asked for",
			"unavailable",
			"name",
			{ option: (o) => (o === 10 ? metaContext(1, "qemu:\u001b[2Jx") : undefined) },
		],
		[
			"one id for two contexts",
			"unavailable",
			"id",
			{
				option: (o) =>
					o === 10 ? Buffer.concat([metaContext(1, BASE_ALLOCATION), metaContext(1, BASE_ALLOCATION)]) : undefined,
			},
		],
		[
			"contexts without end",
			"unavailable",
			"replies",
			{
				option: (o) =>
					o === 10 ? Buffer.concat(Array.from({ length: 99 }, (_, id) => metaContext(id, BASE_ALLOCATION))) : undefined,
			},
		],
		["no size", "unavailable", "NBD_INFO_EXPORT", { option: (o) => (o === 7 ? optionReply(7, ACK) : undefined) }],
		["a size of 2^63", "unavailable", "size", { option: (o) => (o === 7 ? exportInfo(2n ** 63n) : undefined) }],
		["no flags", "unavailable", "transmission flags", { option: (o) => (o === 7 ? exportInfo(1n, 0) : undefined) }],
		["a minimum block of 0", "unavailable", "minimum", { option: (o) => (o === 7 ? blockSize(0, 1) : undefined) }],
		["a minimum block of 3", "unavailable", "minimum", { option: (o) => (o === 7 ? blockSize(3, 99) : undefined) }],
		[
			"a minimum block of 2^31",
			"unavailable",
			"minimum",
			{ option: (o) => (o === 7 ? blockSize(2 ** 31, 2 ** 31) : undefined) },
		],
		[
			"a maximum below the minimum",
			"unavailable",
			"maximum",
			{ option: (o) => (o === 7 ? blockSize(512, 511) : undefined) },
		],
		[
			"a short info",
			"unavailable",
			"length",
			{ option: (o) => (o === 7 ? optionReply(7, 3, Buffer.alloc(1)) : undefined) },
		],
		[
			"endless infos",
			"unavailable",
			"replies",
			{ option: (o) => (o === 7 ? Buffer.concat(Array.from({ length: 99 }, () => exportInfo(1n))) : undefined) },
		],
		["a refusal", "denied", undefined, { option: (o) => (o === 7 ? optionReply(7, 0x80000002) : undefined) }],
		["TLS", "unsupported", undefined, { option: (o) => (o === 7 ? optionReply(7, 0x80000005) : undefined) }],
		[
			"no export",
			"not-found",
			undefined,
			{ option: (o) => (o === 7 ? optionReply(7, 0x80000006, Buffer.from("gone")) : undefined) },
		],
	];
	for (const [name, code, field, script] of broken) {
		it(`refuses ${name} and closes`, async () => {
			await using resources = new AsyncDisposableStack();
			const { address, sockets } = await scripted(script, resources);
			const error = await errorOf(NbdClient.connect({ address, exportName: "", contexts: CONTEXTS }));
			assert.equal(error.code, code, error.message);
			assert.equal(error.context.field, field, error.message);
			assert.doesNotMatch(error.message, /\p{C}/u);
			await until(() => sockets.size === 0, { what: "the connection closes", intervalMs: 1 });
		});
	}

	it("is aborted while the server is silent", async () => {
		await using resources = new AsyncDisposableStack();
		const { address, sockets } = await scripted({ greeting: Buffer.from("NBD") }, resources);
		const controller = new AbortController();
		const connecting = NbdClient.connect({ address, exportName: "", signal: controller.signal });
		await until(() => sockets.size === 1, { what: "the server has a connection", intervalMs: 1 });
		controller.abort(new Error("enough"));
		await assert.rejects(connecting, new Error("enough"));
		await until(() => sockets.size === 0, { what: "the connection closes", intervalMs: 1 });
	});

	it("goes on without what the server refuses", async () => {
		await using resources = new AsyncDisposableStack();
		const refuse = (o: number) => (o === 7 ? undefined : optionReply(o, 0x80000001));
		const { address } = await scripted(
			{ option: refuse, request: (r) => r.socket.write(simple(r, 0, Buffer.alloc(r.length, 5))) },
			resources,
		);
		await using client = await NbdClient.connect({ address, exportName: "", contexts: CONTEXTS });
		assert.equal(client.contexts.size, 0);
		assertBytes(await client.read(9, 70000), new Uint8Array(70000).fill(5), "simple replies");
		assert.equal((await errorOf(client.blockStatus(0, 512))).code, "unsupported");
		assert.equal((await errorOf(client.statusExtents(BASE_ALLOCATION, 0, 512))).code, "not-found");
	});
});

describe("NbdClient against noise", () => {
	it("settles every call whatever bytes come, with the right ones or an UmbraError", async (context) => {
		const random = testRandom(context);
		await using resources = new AsyncDisposableStack();
		const { address } = await scripted(
			{
				request: (request) => {
					const right =
						request.type === CMD_READ
							? Buffer.concat([
									data(request, request.offset, request.length - 100, true),
									hole(request, request.offset + request.length - 100, 100),
								])
							: status(request, 7, [[request.length, 0]]);
					// The headers, which lie at both ends of a read's reply, and now and then the end.
					for (let count = random.below(4); count > 0; count--) {
						const place = random.chance(0.5) ? random.below(28) : right.length - 1 - random.below(32);
						if (place >= 0 && place < right.length) right[place] = random.below(256);
					}
					request.socket.write(right);
					if (random.chance(0.2)) request.socket.end(random.bytes(random.below(64)));
				},
			},
			resources,
		);
		for (let round = 0; round < 200; round++) {
			await using client = await NbdClient.connect({ address, exportName: "", contexts: CONTEXTS });
			// A damaged length or a lost DONE leaves a call waiting for what never comes: then the caller gives up.
			const impatient = AbortSignal.timeout(20);
			const calls = [
				client.read(random.below(1000), 5000, impatient),
				client.blockStatus(random.below(1000), 4096, impatient),
				client.read(random.below(1000), 5000, impatient),
			];
			for (const outcome of await Promise.allSettled(calls)) {
				if (outcome.status === "rejected" && outcome.reason !== impatient.reason) {
					assert.ok(outcome.reason instanceof UmbraError, String(outcome.reason));
				}
			}
		}
	});
});
