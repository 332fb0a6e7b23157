import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../../test/support/wait.ts";
import { assertBytes, errorOf } from "../testing.ts";
import { BASE_ALLOCATION, NbdClient } from "./client.ts";
import {
	ACK,
	answer,
	blockSize,
	chunk,
	data,
	exportInfo,
	failure,
	hole,
	optionReply,
	type Request,
	SIZE,
	scripted,
	simple,
	status,
} from "./scripted-server.ts";
import { CMD_BLOCK_STATUS } from "./wire.ts";

const CONTEXTS = [BASE_ALLOCATION];

describe("NbdClient and what the protocol allows", () => {
	it("puts together chunks in any order, holes and hints", async () => {
		await using resources = new AsyncDisposableStack();
		const { address } = await scripted(
			{
				request: (r) =>
					r.socket.write(
						Buffer.concat([
							data(r, 3000, 1000, true),
							hole(r, 1000, 1000, true),
							data(r, 0, 1000, true),
							data(r, 2000, 1000, true),
							chunk(r, 0, Buffer.alloc(0)),
						]),
					),
			},
			resources,
		);
		await using client = await NbdClient.connect({ address, exportName: "" });
		const target = new Uint8Array(4000).fill(0x33);
		await client.readInto(target, 0);
		assertBytes(target, new Uint8Array(4000).fill(0xaa).fill(0, 1000, 2000), "four chunks");
	});

	const errors: readonly (readonly [value: number, code: string])[] = [
		[1, "denied"],
		[5, "unavailable"],
		[12, "unavailable"],
		[22, "unavailable"],
		[28, "unavailable"],
		[75, "limit"],
		[95, "unsupported"],
		[108, "unavailable"],
		[4242, "unavailable"],
	];
	for (const [value, code] of errors) {
		it(`says error ${value} as ${code}, once the reply is complete, and stays usable`, async () => {
			await using resources = new AsyncDisposableStack();
			const { address } = await scripted(
				{
					request: (r) => {
						if (r.offset === 0) answer(r);
						else if (r.type === CMD_BLOCK_STATUS) r.socket.write(simple(r, value));
						else
							r.socket.write(
								Buffer.concat([failure(r, value, "no \u001b[31mluck", { more: true }), data(r, r.offset, 100)]),
							);
					},
				},
				resources,
			);
			await using client = await NbdClient.connect({ address, exportName: "", contexts: CONTEXTS });
			const error = await errorOf(client.read(512, 512));
			assert.equal(error.code, code);
			assert.match(error.message, /reading 512 bytes at 512.*\(no \?\[31mluck\)/);
			assert.equal((await errorOf(client.blockStatus(512, 512))).code, code);
			assert.equal((await client.read(0, 512))[511], 0xaa);
		});
	}

	it("takes an unknown error chunk for an error, not for the end", async () => {
		await using resources = new AsyncDisposableStack();
		const { address } = await scripted(
			{ request: (r) => r.socket.write(r.offset === 0 ? data(r, 0, r.length) : failure(r, 5, "", { type: 0x8fff })) },
			resources,
		);
		await using client = await NbdClient.connect({ address, exportName: "" });
		assert.equal((await errorOf(client.read(1, 1))).context.found, "EIO");
		assert.equal((await client.read(0, 1))[0], 0xaa);
	});

	it("follows status replies that cover little, or more than was asked", async () => {
		await using resources = new AsyncDisposableStack();
		let requests = 0;
		const { address } = await scripted(
			{
				request: (r) => {
					requests++;
					// Pieces of 1000 bytes, of which every third is a hole; the last one leaves the export.
					const piece = (at: number) => [1000 - (at % 1000), Math.floor(at / 1000) % 3 === 0 ? 3 : 0] as const;
					const first = piece(r.offset);
					r.socket.write(status(r, 7, [first, piece(r.offset + first[0])]));
				},
			},
			resources,
		);
		await using client = await NbdClient.connect({ address, exportName: "", contexts: CONTEXTS });
		assert.deepEqual(await client.statusExtents(BASE_ALLOCATION, 500, 5000), [
			{ offset: 500, length: 500, flags: 3 },
			{ offset: 1000, length: 2000, flags: 0 },
			{ offset: 3000, length: 1000, flags: 3 },
			{ offset: 4000, length: 1500, flags: 0 },
		]);
		assert.equal(requests, 3);
		assert.deepEqual((await client.blockStatus(900, 150)).get(BASE_ALLOCATION), [
			{ length: 100, flags: 3 },
			{ length: 50, flags: 0 },
		]);
	});

	it("rounds reads and status to the minimum block", async () => {
		await using resources = new AsyncDisposableStack();
		const seen: string[] = [];
		const { address } = await scripted(
			{
				option: (o) =>
					o === 7 ? Buffer.concat([exportInfo(10_000n), blockSize(4096, 5000), optionReply(7, ACK)]) : undefined,
				request: (r) => {
					seen.push(`${r.offset}+${r.length}`);
					answer(r);
				},
			},
			resources,
		);
		await using client = await NbdClient.connect({ address, exportName: "", contexts: CONTEXTS });
		assert.equal((await client.read(5000, 5000)).length, 5000);
		assert.deepEqual(await client.statusExtents(BASE_ALLOCATION, 5000, 100), [{ offset: 5000, length: 100, flags: 0 }]);
		assert.deepEqual(seen, ["4096+4096", "8192+1808", "4096+4096"]);
	});

	it("gives up a server whose status never gets past an unaligned byte", async () => {
		await using resources = new AsyncDisposableStack();
		const { address } = await scripted(
			{
				option: (o) =>
					o === 7 ? Buffer.concat([exportInfo(8192n), blockSize(4096, 4096), optionReply(7, ACK)]) : undefined,
				request: (r) => r.socket.write(status(r, 7, [[1, 0]])),
			},
			resources,
		);
		await using client = await NbdClient.connect({ address, exportName: "", contexts: CONTEXTS });
		assert.equal((await errorOf(client.statusExtents(BASE_ALLOCATION, 0, 8192))).context.field, "bytes covered");
	});
});

describe("NbdClient and an aborted call", () => {
	it("leaves at once where the server never answers, and others go on", async () => {
		await using resources = new AsyncDisposableStack();
		const { address } = await scripted({ request: (r) => (r.offset === 0 ? undefined : answer(r)) }, resources);
		await using client = await NbdClient.connect({ address, exportName: "", contexts: CONTEXTS });
		const controller = new AbortController();
		const stuck = [
			client.read(0, 4096, controller.signal),
			client.readInto(new Uint8Array(4096), 0, controller.signal),
			client.blockStatus(0, 4096, controller.signal),
		];
		await client.read(4096, 4096);
		controller.abort(new Error("enough"));
		for (const call of stuck) await assert.rejects(call, new Error("enough"));
		assert.equal((await client.read(8192, 1))[0], 0xaa);
	});

	it("drains the reply that comes late", async () => {
		await using resources = new AsyncDisposableStack();
		const late: Request[] = [];
		const { address } = await scripted({ request: (r) => (r.offset === 0 ? late.push(r) : answer(r)) }, resources);
		await using client = await NbdClient.connect({ address, exportName: "" });
		const controller = new AbortController();
		const target = new Uint8Array(SIZE / 2).fill(1);
		const stuck = [client.readInto(target, 0, controller.signal), client.read(0, SIZE / 2, controller.signal)];
		await until(() => late.length === 2, { what: "both requests arrive", intervalMs: 1 });
		controller.abort(new Error("enough"));
		for (const call of stuck) await assert.rejects(call, new Error("enough"));
		for (const request of late) answer(request);
		assert.equal((await client.read(4096, 1))[0], 0xaa);
		assertBytes(target, new Uint8Array(SIZE / 2).fill(1), "the aborted buffer");
	});

	/** Half of a reply to a `readInto` has come when it is aborted. */
	async function abortHalfWay(resources: AsyncDisposableStack) {
		const arrived = Promise.withResolvers<Request>();
		const { address, sockets } = await scripted(
			{
				request: (r) => {
					if (r.offset !== 0) return answer(r);
					r.socket.write(data(r, 0, r.length).subarray(0, 200_000));
					arrived.resolve(r);
				},
			},
			resources,
		);
		const client = resources.use(await NbdClient.connect({ address, exportName: "" }));
		const controller = new AbortController();
		const target = new Uint8Array(400_000);
		const call = client.readInto(target, 0, controller.signal);
		call.catch(() => {});
		const request = await arrived.promise;
		await until(() => target[150_000] === 0xaa, { what: "half of it arrives", intervalMs: 1 });
		controller.abort(new Error("enough"));
		return { client, call, request, target, sockets };
	}

	it("gives a caller's buffer back only when the socket has let go of it", async () => {
		await using resources = new AsyncDisposableStack();
		const { client, call, request, target } = await abortHalfWay(resources);
		let settled = false;
		call.catch(() => {
			settled = true;
		});
		await sleep(0);
		assert.equal(settled, false);
		request.socket.write(data(request, 0, request.length).subarray(200_000));
		await assert.rejects(call, new Error("enough"));
		assert.equal(target.at(-1), 0xaa);
		target.fill(0);
		assert.equal((await client.read(8192, 1))[0], 0xaa);
		assert.ok(target.every((byte) => byte === 0));
	});

	it("ends the connection of a server that stalls in the middle of a caller's buffer", async () => {
		await using resources = new AsyncDisposableStack();
		const { client, call, sockets } = await abortHalfWay(resources);
		assert.match((await errorOf(call)).message, /stalled in the middle/);
		await until(() => sockets.size === 0, { what: "the connection closes", intervalMs: 1 });
		assert.equal((await errorOf(client.read(0, 1))).code, "unavailable");
	});
});

describe("NbdClient's end", () => {
	it("says goodbye, and to a server with requests open it hangs up", async () => {
		await using resources = new AsyncDisposableStack();
		let goodbyes = 0;
		const { address, sockets } = await scripted(
			{ request: (r) => (r.offset === 0 ? undefined : answer(r)), onDisconnect: () => goodbyes++ },
			resources,
		);
		const polite = await NbdClient.connect({ address, exportName: "" });
		await polite.read(1, 1);
		await polite[Symbol.asyncDispose]();
		await until(() => goodbyes === 1 && sockets.size === 0, { what: "goodbye", intervalMs: 1 });
		const hasty = await NbdClient.connect({ address, exportName: "" });
		const pending = errorOf(hasty.read(0, 1));
		await hasty[Symbol.asyncDispose]();
		assert.equal((await pending).code, "unavailable");
		await until(() => sockets.size === 0, { what: "hung up", intervalMs: 1 });
	});

	it("bounds what is in flight", async () => {
		await using resources = new AsyncDisposableStack();
		const held: Request[] = [];
		const { address } = await scripted({ request: (r) => held.push(r) }, resources);
		await using client = await NbdClient.connect({ address, exportName: "" });
		const reads = Array.from({ length: 100 }, () => client.read(0, SIZE));
		for (let answered = 0; answered < 200; answered++) {
			await until(() => held.length > 0, { what: "a request", intervalMs: 1 });
			assert.ok(held.length <= 64, `${held.length} pieces of 512 KiB in flight`);
			answer(held.shift() as Request);
		}
		assert.equal((await Promise.all(reads)).length, 100);
	});
});
