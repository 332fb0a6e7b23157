import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BLOCK_SIZE } from "../../common/block.ts";
import { goData, RawClient, u32 } from "../../disk/nbd/raw-client.ts";
import {
	CMD_BLOCK_STATUS,
	CMD_CACHE,
	CMD_DISC,
	CMD_FLAG_DF,
	CMD_TRIM,
	CMD_WRITE,
	CMD_WRITE_ZEROES,
	EINVAL,
	EPERM,
	OPT_ABORT,
	OPT_EXPORT_NAME,
	OPT_GO,
	OPT_INFO,
	OPT_LIST,
	OPT_LIST_META_CONTEXT,
	OPT_SET_META_CONTEXT,
	OPT_STRUCTURED_REPLY,
	REP_ACK,
	REP_ERR_INVALID,
	REP_ERR_TOO_BIG,
	REP_ERR_UNKNOWN,
	REP_ERR_UNSUP,
	REP_META_CONTEXT,
	REPLY_ERROR,
	REPLY_NONE,
	REPLY_OFFSET_DATA,
	REPLY_OFFSET_HOLE,
} from "../../disk/source/nbd/wire.ts";
import { sampleDisk } from "../../disk/source/testing.ts";
import { collectGarbage } from "../../test/support/garbage.ts";
import { testRandom } from "../../test/support/random.ts";
import { until } from "../../test/support/wait.ts";
import { ExportSite } from "./testing.ts";

const DISK = sampleDisk(9_000_003);
const STARTTLS = 5;
const EXTENDED_HEADERS = 11;

describe("the NBD server, against clients that do not keep to the protocol", () => {
	let site: ExportSite;
	let path: string;
	before(async () => {
		site = await ExportSite.start({ vda: DISK });
		path = (await site.open()).listen.replace("unix:", "");
	});
	after(async () => await site[Symbol.asyncDispose]());

	/** Whatever was done to it, it serves the next client. */
	const stillServes = async () => {
		using client = await RawClient.going(path, false);
		client.request({ length: 512 });
		assert.equal(await client.simple(), 0);
		assert.ok((await client.reader.take(512)).equals(DISK.subarray(0, 512)));
	};
	const connections = () => site.exports.list()[0]!.connections;

	for (const [what, option, data, wanted] of [
		["an option that is not known", 0x7777, Buffer.alloc(9), REP_ERR_UNSUP],
		["NBD_OPT_STARTTLS", STARTTLS, Buffer.alloc(0), REP_ERR_UNSUP],
		["NBD_OPT_EXTENDED_HEADERS", EXTENDED_HEADERS, Buffer.alloc(0), REP_ERR_UNSUP],
		["NBD_OPT_LIST with data", OPT_LIST, Buffer.alloc(4), REP_ERR_INVALID],
		["NBD_OPT_STRUCTURED_REPLY with data", OPT_STRUCTURED_REPLY, Buffer.alloc(1), REP_ERR_INVALID],
		["NBD_OPT_GO without data", OPT_GO, Buffer.alloc(0), REP_ERR_INVALID],
		["NBD_OPT_GO whose name leaves its data", OPT_GO, Buffer.concat([u32(100), Buffer.alloc(6)]), REP_ERR_INVALID],
		["NBD_OPT_GO whose name is 4 GiB", OPT_GO, u32(0xffffffff), REP_ERR_INVALID],
		["NBD_OPT_GO whose requests are not there", OPT_GO, Buffer.concat([u32(0), Buffer.from([0, 9])]), REP_ERR_INVALID],
		["NBD_OPT_GO with bytes behind it", OPT_GO, Buffer.concat([goData(""), Buffer.alloc(1)]), REP_ERR_INVALID],
		["NBD_OPT_GO of a name too long", OPT_GO, goData("x".repeat(4097)), REP_ERR_INVALID],
		["NBD_OPT_GO of no export", OPT_GO, goData("vdb"), REP_ERR_UNKNOWN],
		["NBD_OPT_INFO of no export", OPT_INFO, goData("vda\0"), REP_ERR_UNKNOWN],
		["contexts before structured replies", OPT_SET_META_CONTEXT, contexts("", ["base:allocation"]), REP_ERR_INVALID],
		["more contexts than are there", OPT_SET_META_CONTEXT, Buffer.concat([u32(0), u32(2 ** 31)]), REP_ERR_INVALID],
	] as const) {
		it(`refuses ${what}, and goes on`, async () => {
			using client = await RawClient.connect(path);
			assert.equal((await client.option(option, data)).at(-1)?.type, wanted);
			assert.equal((await client.option(OPT_GO, goData("vda"))).at(-1)?.type, REP_ACK);
			client.request({ length: 100 });
			assert.equal(await client.simple(), 0);
		});
	}

	for (const [what, send] of [
		["client flags that are not known", () => RawClient.connect(path, 4)],
		["what is no option", async () => await sent((client) => client.socket.write("GET / HTTP/1.1\r\n\r\n"))],
		["the name of no export", async () => await sent((client) => client.sendOption(OPT_EXPORT_NAME, Buffer.from("x")))],
		["a name of 4 GiB", async () => await sent((client) => client.sendOption(OPT_EXPORT_NAME, u32(0), 0xffffffff))],
		["an option without fixed newstyle", async () => await sent((client) => client.sendOption(OPT_LIST, u32(0), 0), 0)],
		["what is no request", async () => await going((client) => client.request({ magic: 0x12345678 }))],
		["a write of 4 GiB", async () => await going((client) => client.request({ type: CMD_WRITE, length: 0xffffffff }))],
		["a goodbye", async () => await going((client) => client.request({ type: CMD_DISC, length: 0 }))],
	] as const) {
		it(`closes the connection at ${what}`, async () => {
			using client = await send();
			await client.closed();
			await stillServes();
		});
	}
	const sent = async (send: (client: RawClient) => void, flags?: number) => {
		const client = await RawClient.connect(path, flags);
		send(client);
		return client;
	};
	const going = async (send: (client: RawClient) => void) => {
		const client = await RawClient.going(path, true);
		send(client);
		return client;
	};

	it("says that an option is too long, and closes", async () => {
		using client = await RawClient.connect(path);
		assert.equal((await client.option(OPT_GO, Buffer.alloc(0), 2 ** 31)).at(-1)?.type, REP_ERR_TOO_BIG);
		await client.closed();
	});

	it("ends where it is told to", async () => {
		using client = await RawClient.connect(path);
		assert.equal((await client.option(OPT_ABORT)).at(-1)?.type, REP_ACK);
		await client.closed();
	});

	it("answers what was asked before a goodbye to a client that closed its side with it", async () => {
		using client = await RawClient.going(path, false);
		for (let count = 0; count < 40; count++) client.request({ offset: count * 1000, length: 300_000 }, BigInt(count));
		client.request({ type: CMD_DISC, length: 0 });
		client.socket.end();
		for (let count = 0; count < 40; count++) {
			const header = await client.reader.take(16);
			assert.equal(header.readUInt32BE(4), 0);
			const offset = Number(header.readBigUInt64BE(8)) * 1000;
			assert.ok((await client.reader.take(5000)).equals(DISK.subarray(offset, offset + 5000)));
			await client.reader.skip(295_000);
		}
		await client.closed();
	});

	it("goes on after NBD_OPT_EXPORT_NAME, with and without the zeroes", async () => {
		for (const [flags, bytes] of [
			[3, 10],
			[1, 134],
			[0, 134],
		] as const) {
			using client = await RawClient.connect(path, flags);
			client.sendOption(OPT_EXPORT_NAME, Buffer.from("vda"));
			const answer = await client.reader.take(bytes);
			assert.equal(answer.readBigUInt64BE(0), BigInt(DISK.length));
			client.request({ offset: 4096, length: 1000 });
			assert.equal(await client.simple(), 0);
			assert.ok((await client.reader.take(1000)).equals(DISK.subarray(4096, 5096)));
		}
	});

	it("lists and chooses metadata contexts as they are asked for", async () => {
		using client = await RawClient.connect(path);
		await client.option(OPT_STRUCTURED_REPLY);
		for (const [option, queries, wanted] of [
			[OPT_LIST_META_CONTEXT, [], 1],
			[OPT_LIST_META_CONTEXT, ["base:"], 1],
			[OPT_LIST_META_CONTEXT, ["qemu:"], 0],
			[OPT_SET_META_CONTEXT, ["base:"], 0],
			[OPT_SET_META_CONTEXT, ["qemu:dirty-bitmap:x", "base:allocation"], 1],
		] as const) {
			const replies = await client.option(option, contexts("vda", queries));
			assert.equal(replies.filter(({ type }) => type === REP_META_CONTEXT).length, wanted, `${option} ${queries}`);
			assert.equal(replies.at(-1)?.type, REP_ACK);
		}
		assert.equal((await client.option(OPT_SET_META_CONTEXT, contexts("vdb", []))).at(-1)?.type, REP_ERR_UNKNOWN);
		// The last choice counts, and it was of nothing.
		await client.option(OPT_GO, goData("vda"));
		client.request({ type: CMD_BLOCK_STATUS, length: 4096 });
		const { type, payload } = await client.chunk();
		assert.deepEqual([type, payload.readUInt32BE(0)], [REPLY_ERROR, EINVAL]);
	});

	for (const [what, request, wanted, payload = 0] of [
		["a write", { type: CMD_WRITE, length: 70_000 }, EPERM, 70_000],
		["a trim", { type: CMD_TRIM }, EPERM],
		["zeroes", { type: CMD_WRITE_ZEROES }, EPERM],
		["a flush, which is not offered", { type: 3, length: 0 }, EINVAL],
		["a command that is not known", { type: 99 }, EINVAL],
		["flags that are not known", { flags: 0x8000 }, EINVAL],
		["a read behind the end", { offset: DISK.length - 10, length: 11 }, EINVAL],
		["a read of more than 32 MiB", { length: 2 ** 25 + 1 }, EINVAL],
		["a read at 2^63", { offset: 2n ** 63n }, EINVAL],
		["a status of no bytes", { type: CMD_BLOCK_STATUS, length: 0 }, EINVAL],
	] as const) {
		it(`refuses ${what} in either kind of reply, and goes on`, async () => {
			for (const structured of [false, true]) {
				using client = await RawClient.going(path, structured);
				client.request(request);
				if (payload > 0) client.socket.write(Buffer.alloc(payload));
				if (structured) {
					const chunk = await client.chunk();
					assert.deepEqual([chunk.type, chunk.done, chunk.payload.readUInt32BE(0)], [REPLY_ERROR, true, wanted]);
					assert.ok(chunk.payload.length > 6, "with a text");
				} else {
					assert.equal(await client.simple(), wanted);
				}
				client.request({ length: 100 });
				if (structured) assert.equal((await client.chunk()).type, REPLY_OFFSET_DATA);
				else assert.equal(await client.simple(), 0);
			}
		});
	}

	it("sends a read without fragments in one chunk where the client wants none", async () => {
		using client = await RawClient.going(path, true);
		// Data, zeroes and data again.
		const [offset, length] = [2 ** 21 - 5000, 10_000];
		client.request({ flags: CMD_FLAG_DF, offset, length });
		const whole = await client.chunk();
		assert.deepEqual([whole.type, whole.done], [REPLY_OFFSET_DATA, true]);
		assert.ok(whole.payload.subarray(8).equals(DISK.subarray(offset, offset + length)));
		client.request({ offset, length });
		const [data, hole] = [await client.chunk(), await client.chunk()];
		assert.deepEqual([data.type, data.done, data.payload.length], [REPLY_OFFSET_DATA, false, 5008]);
		assert.deepEqual([hole.type, hole.done, hole.payload.readUInt32BE(8)], [REPLY_OFFSET_HOLE, true, 5000]);
		client.request({ type: CMD_CACHE, length: DISK.length });
		assert.equal((await client.chunk()).type, REPLY_NONE);
		client.request({ length: 0 });
		assert.equal((await client.chunk()).type, REPLY_NONE);
	});

	it("holds little for clients that ask and do not read, and serves the others meanwhile", async (context) => {
		collectGarbage();
		const before = process.memoryUsage().external;
		using clients = new DisposableStack();
		for (let at = 0; at < 8; at++) {
			const client = clients.use(await RawClient.going(path, true));
			client.socket.pause();
			for (let count = 0; count < 500; count++)
				client.request({ length: 8 * 2 ** 20, offset: (count % 2) * BLOCK_SIZE });
		}
		for (let count = 0; count < 20; count++) await stillServes();
		collectGarbage();
		const grown = (process.memoryUsage().external - before) / 2 ** 20;
		// What they ask for is 32 GB; what may be under way, 2 MiB each and the shared slots.
		assert.ok(grown < 150, `${grown} MiB`);
		context.diagnostic(`${grown.toFixed(0)} MiB`);
		await until(() => connections() === 8, { what: "only they are left" });
		clients.dispose();
		await until(() => connections() === 0, { what: "all are gone" });
		await stillServes();
	});

	it("sends whole what is larger than its window, also many at a time", async () => {
		using client = await RawClient.going(path, false);
		const offset = 1000;
		const length = DISK.length - offset;
		for (let count = 0; count < 40; count++) client.request({ offset, length }, BigInt(count));
		for (let count = 0; count < 40; count++) {
			const header = await client.reader.take(16);
			assert.equal(header.readUInt32BE(4), 0);
			const head = await client.reader.take(5000);
			assert.ok(head.equals(DISK.subarray(offset, offset + 5000)));
			await client.reader.skip(length - 10_000);
			assert.ok((await client.reader.take(5000)).equals(DISK.subarray(DISK.length - 5000)));
		}
	});

	it("lets in no more than it can bear", async () => {
		await until(() => connections() === 0, { what: "those before are gone" });
		using clients = new DisposableStack();
		for (let at = 0; at < 16; at++) clients.use(await RawClient.going(path, false));
		await assert.rejects(RawClient.connect(path), { code: "unavailable" });
		clients.dispose();
		await until(() => connections() === 0, { what: "all are gone" });
		await stillServes();
	});

	it("survives whatever bytes come", async (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 150; round++) {
			const isGoing = random.chance(0.6);
			using client = isGoing ? await RawClient.going(path, random.chance(0.5)) : await RawClient.connect(path);
			client.socket.on("data", () => undefined);
			for (let count = random.between(1, 8); count > 0; count--) {
				if (random.chance(0.2)) client.socket.write(random.bytes(random.between(1, 3000)));
				else if (isGoing) {
					client.request({
						type: random.between(0, 9),
						flags: random.chance(0.5) ? 0 : random.between(0, 31),
						offset: random.chance(0.7) ? random.between(0, DISK.length) : BigInt(random.between(0, 2 ** 31)) << 32n,
						length: random.chance(0.7) ? random.between(0, 100_000) : random.between(0, 2 ** 31),
					});
				} else {
					const data = random.bytes(random.between(0, 40));
					client.sendOption(random.between(0, 12), data, random.chance(0.8) ? data.length : random.between(0, 2 ** 31));
				}
			}
			if (random.chance(0.5)) await stillServes();
		}
		await until(() => connections() === 0, { what: "all are gone" });
		await stillServes();
	});
});

function contexts(name: string, queries: readonly string[]): Buffer {
	const strings = queries.flatMap((query) => [u32(query.length), Buffer.from(query)]);
	return Buffer.concat([u32(name.length), Buffer.from(name), u32(queries.length), ...strings]);
}
