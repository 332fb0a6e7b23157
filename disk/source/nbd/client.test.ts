import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { testRandom } from "../../../test/support/random.ts";
import { needs } from "../../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../../test/support/temp.ts";
import { assertBytes, errorOf, run, sampleDisk, serve } from "../testing.ts";
import { BASE_ALLOCATION, DIRTY, dirtyBitmapContext, NbdClient, STATE_HOLE, STATE_ZERO } from "./client.ts";

const BLOCK = 65536;

/** A qcow2 of 64 MiB with data in its first MiB; bitmap `b0` was begun then, and `writes` are block numbers written since. */
function dirtyImage(folder: TempFolder, writes: readonly number[], discards: readonly number[] = []): string {
	const image = folder.file("disk.qcow2");
	run("qemu-img", "create", "-q", "-f", "qcow2", image, "64M");
	run("qemu-io", "-f", "qcow2", "-c", "write -q -P 0x11 0 1M", image);
	run("qemu-img", "bitmap", "--add", image, "b0");
	const commands = [
		...writes.map((block) => `write -q -P 0x22 ${block * BLOCK} 64k`),
		...discards.map((block) => `discard -q ${block * BLOCK} 64k`),
	];
	run("qemu-io", "-f", "qcow2", ...commands.flatMap((command) => ["-c", command]), image);
	return image;
}

describe("NbdClient and qemu-nbd", needs("qemu-nbd", "qemu-img", "qemu-io"), () => {
	it("reports exactly the blocks that a dirty bitmap holds", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		const written = new Set(Array.from({ length: 60 }, () => random.below(1024)));
		const image = dirtyImage(folder, [...written]);
		const path = folder.file("s");
		await using _server = await serve(path, "qemu-nbd", "-r", "-t", "-f", "qcow2", "-B", "b0", "-k", path, image);
		const dirty = dirtyBitmapContext("b0");
		const contexts = [BASE_ALLOCATION, dirty, dirtyBitmapContext("none")];
		await using client = await NbdClient.connect({ address: { path }, exportName: "", contexts });
		assert.deepEqual([...client.contexts].sort(), [BASE_ALLOCATION, dirty].sort());
		const found = new Set<number>();
		for (const extent of await client.statusExtents(dirty, 0, client.size)) {
			if ((extent.flags & DIRTY) === 0) continue;
			for (let at = extent.offset; at < extent.offset + extent.length; at += BLOCK) found.add(at / BLOCK);
		}
		assert.deepEqual([...found].sort(), [...written].sort());
		const block = random.pick([...written]);
		assertBytes(await client.read(block * BLOCK, BLOCK), new Uint8Array(BLOCK).fill(0x22), `block ${block}`);
	});

	it("answers both contexts in one request: a discarded block is dirty and zero", async () => {
		await using folder = await tempFolder();
		const image = dirtyImage(folder, [3], [5]);
		const path = folder.file("s");
		await using _server = await serve(path, "qemu-nbd", "-r", "-t", "-f", "qcow2", "-B", "b0", "-k", path, image);
		const dirty = dirtyBitmapContext("b0");
		await using client = await NbdClient.connect({
			address: { path },
			exportName: "",
			contexts: [BASE_ALLOCATION, dirty],
		});
		const status = await client.blockStatus(5 * BLOCK, BLOCK);
		assert.deepEqual(status.get(dirty), [{ length: BLOCK, flags: DIRTY }]);
		const [allocation] = status.get(BASE_ALLOCATION) ?? [];
		assert.equal(allocation?.flags, (allocation?.flags ?? 0) | STATE_ZERO);
		assert.deepEqual(await client.statusExtents(BASE_ALLOCATION, 2 ** 20, 63 * 2 ** 20), [
			{ offset: 2 ** 20, length: 63 * 2 ** 20, flags: STATE_HOLE | STATE_ZERO },
		]);
		assertBytes(await client.read(5 * BLOCK, BLOCK), new Uint8Array(BLOCK), "the discarded block");
	});

	it("walks the status of a disk larger than one request can name", async () => {
		await using folder = await tempFolder();
		const image = folder.file("large.qcow2");
		run("qemu-img", "create", "-q", "-f", "qcow2", image, "10G");
		run("qemu-io", "-f", "qcow2", "-c", "write -q 9G 64k", image);
		const path = folder.file("s");
		await using _server = await serve(path, "qemu-nbd", "-r", "-t", "-f", "qcow2", "-k", path, image);
		await using client = await NbdClient.connect({ address: { path }, exportName: "", contexts: [BASE_ALLOCATION] });
		assert.deepEqual(await client.statusExtents(BASE_ALLOCATION, 0, client.size), [
			{ offset: 0, length: 9 * 2 ** 30, flags: 3 },
			{ offset: 9 * 2 ** 30, length: BLOCK, flags: 0 },
			{ offset: 9 * 2 ** 30 + BLOCK, length: 2 ** 30 - BLOCK, flags: 3 },
		]);
	});

	it("reads into shared memory and into part of a buffer, holes too", async () => {
		await using folder = await tempFolder();
		const path = folder.file("s");
		const image = dirtyImage(folder, []);
		await using _server = await serve(path, "qemu-nbd", "-r", "-t", "-f", "qcow2", "-k", path, image);
		await using client = await NbdClient.connect({ address: { path }, exportName: "" });
		const shared = new Uint8Array(new SharedArrayBuffer(4 * 2 ** 20)).fill(0xee);
		await client.readInto(shared.subarray(1000, 1000 + 2 ** 21), 0);
		const wanted = new Uint8Array(shared.length)
			.fill(0xee)
			.fill(0, 1000, 1000 + 2 ** 21)
			.fill(0x11, 1000, 1000 + 2 ** 20);
		assertBytes(shared, wanted, "the shared buffer");
	});

	it("fails what is pending when the server dies, and everything after", async () => {
		await using folder = await tempFolder();
		const path = folder.file("s");
		const image = dirtyImage(folder, []);
		await using server = await serve(path, "qemu-nbd", "-r", "-t", "-f", "qcow2", "-k", path, image);
		await using client = await NbdClient.connect({ address: { path }, exportName: "", contexts: [BASE_ALLOCATION] });
		process.kill(server.pid, "SIGSTOP");
		const pending = [client.read(0, 4096), client.read(0, 2 ** 26), client.blockStatus(0, 4096)].map(errorOf);
		await server.kill();
		for (const error of pending) assert.equal((await error).code, "unavailable");
		assert.equal((await errorOf(client.readInto(new Uint8Array(1), 0))).code, "unavailable");
		assert.equal((await errorOf(NbdClient.connect({ address: { path }, exportName: "" }))).code, "unavailable");
	});

	it("says which export and which socket there is not", async () => {
		await using folder = await tempFolder();
		const path = folder.file("s");
		await using _server = await serve(
			path,
			"qemu-nbd",
			"-r",
			"-t",
			"-x",
			"vda",
			"-f",
			"qcow2",
			"-k",
			path,
			dirtyImage(folder, []),
		);
		const noExport = await errorOf(
			NbdClient.connect({ address: { path }, exportName: "vdb", contexts: [BASE_ALLOCATION] }),
		);
		assert.equal(noExport.code, "not-found");
		assert.match(noExport.message, /vdb/);
		const noSocket = await errorOf(NbdClient.connect({ address: { path: folder.file("none") }, exportName: "" }));
		assert.equal(noSocket.code, "not-found");
		const badPort = await errorOf(NbdClient.connect({ address: { host: "127.0.0.1", port: 70_000 }, exportName: "" }));
		assert.equal(badPort.code, "bad-config");
		const tooLong = await errorOf(NbdClient.connect({ address: { path }, exportName: "x".repeat(4097) }));
		assert.equal(tooLong.code, "limit");
	});

	it("answers thousands of aborted and other calls at once with the right bytes", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		const disk = sampleDisk(16 * 2 ** 20);
		writeFileSync(folder.file("raw"), disk);
		const path = folder.file("s");
		await using _server = await serve(path, "qemu-nbd", "-r", "-t", "-f", "raw", "-k", path, folder.file("raw"));
		await using client = await NbdClient.connect({ address: { path }, exportName: "" });
		let done = 0;
		const calls = Array.from({ length: 2000 }, async (_, number) => {
			const offset = random.below(disk.length);
			const length = random.below(Math.min(disk.length - offset, random.chance(0.02) ? 2 ** 21 : 40_000) + 1);
			const target = new Uint8Array(length);
			const controller = new AbortController();
			if (random.chance(0.3)) setTimeout(() => controller.abort(new Error("enough")), random.below(60));
			try {
				await client.readInto(target, offset, controller.signal);
			} catch (error) {
				assert.ok(controller.signal.aborted, String(error));
				// Given back: a mark that the socket must not overwrite.
				target.fill(0xcd);
				await client.read(number, 1);
				assert.ok(target.every((byte) => byte === 0xcd));
				return;
			}
			done++;
			assertBytes(target, disk.subarray(offset, offset + length), `${offset}+${length}`);
		});
		await Promise.all(calls);
		assert.ok(done >= 1000, `${done} calls were not aborted`);
	});
});

describe("NbdClient and nbdkit", needs("nbdkit"), () => {
	it("reads over TCP", async () => {
		await using folder = await tempFolder();
		const path = folder.file("s");
		await using _server = await serve(path, "nbdkit", "-f", "-U", path, "pattern", "size=1M");
		// nbdkit listens on a socket or a port: the same disk through a second one.
		const { createServer, connect } = await import("node:net");
		const relay = createServer((near) => {
			const far = connect(path);
			near.pipe(far).pipe(near);
			near.on("error", () => far.destroy());
			far.on("error", () => near.destroy());
		});
		await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
		const address = relay.address();
		assert.ok(address !== null && typeof address === "object");
		const client = await NbdClient.connect({ address: { host: "127.0.0.1", port: address.port }, exportName: "" });
		// Its pattern is the offset of every eight bytes, big-endian.
		assert.equal(Buffer.from(await client.read(0x8008, 8)).readBigUInt64BE(), 0x8008n);
		await client[Symbol.asyncDispose]();
		await new Promise((resolve) => relay.close(resolve));
	});

	it("says a read error as unavailable and reads on", async () => {
		await using folder = await tempFolder();
		const path = folder.file("s");
		const flaky = ["--filter=error", "error-pread=EIO", "error-pread-rate=100%", `error-file=${folder.file("broken")}`];
		await using _server = await serve(
			path,
			"nbdkit",
			"-f",
			"-U",
			path,
			flaky[0] as string,
			"pattern",
			"size=1M",
			...flaky.slice(1),
		);
		await using client = await NbdClient.connect({ address: { path }, exportName: "" });
		writeFileSync(folder.file("broken"), "");
		const error = await errorOf(client.read(0, 700_000));
		assert.equal(error.code, "unavailable");
		assert.equal(error.context.found, "EIO");
		run("rm", folder.file("broken"));
		assert.equal((await client.read(0, 700_000)).length, 700_000);
	});
});
