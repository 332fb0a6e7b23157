import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { BLOCK_SIZE } from "../../common/block.ts";
import { isUmbraError } from "../../common/errors.ts";
import { BASE_ALLOCATION, NbdClient, nbdSource, STATE_HOLE, STATE_ZERO } from "../../disk/source/nbd/client.ts";
import { parseNbdUri } from "../../disk/source/nbd/uri.ts";
import { assertBytes, behavesAsBlockSource, errorOf, sampleDisk } from "../../disk/source/testing.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { listening, startProgram } from "../../test/support/processes.ts";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { freePort } from "../../test/support/site.ts";
import { until } from "../../test/support/wait.ts";
import { flipBit } from "../vault/testing.ts";
import { ExportSite, TIME } from "./testing.ts";

const connect = (uri: string) => NbdClient.connect({ ...parseNbdUri(uri), contexts: [BASE_ALLOCATION] });
const DISK = sampleDisk(9_000_003);
const OTHER = sampleDisk(3 * BLOCK_SIZE);

behavesAsBlockSource("an exported point", { knowsZeroes: true }, async (resources) => {
	const site = resources.use(await ExportSite.start({ vda: DISK }));
	const [disk] = (await site.open()).disks;
	return { source: nbdSource(await connect(disk!.uri), "export"), disk: DISK };
});

describe("an export, by NBD's own tools", needs("nbdinfo", "nbdcopy", "qemu-img", "qemu-io", "qemu-nbd"), () => {
	it("is listed, with what clients ask about it", async () => {
		await using site = await ExportSite.start({ vda: DISK, "disk/ü": OTHER });
		const { disks, listen } = await site.open();
		const list = JSON.parse(await runProgram("nbdinfo", ["--list", "--json", socketUri(listen)]));
		assert.equal(list.protocol, "newstyle-fixed");
		assert.equal(list.structured, true);
		assert.deepEqual(
			list.exports.map((found: Record<string, unknown>) => [found["export-name"], found["export-size"]]),
			[
				["vda", DISK.length],
				["disk/ü", OTHER.length],
			],
		);
		const [found] = JSON.parse(await runProgram("nbdinfo", ["--json", disks[0]!.uri])).exports;
		assert.equal(found.description, "web1 at 2025-11-21T19:48:03.123Z, disk vda");
		assert.deepEqual(found.contexts, [BASE_ALLOCATION]);
		for (const [field, wanted] of Object.entries({
			is_read_only: true,
			can_multi_conn: true,
			can_df: true,
			can_cache: true,
			can_flush: false,
			can_trim: false,
			can_zero: false,
			block_size_minimum: 1,
			block_size_preferred: BLOCK_SIZE,
			block_size_maximum: 32 * 2 ** 20,
		})) {
			assert.equal(found[field], wanted, field);
		}
	});

	it("says which blocks are zeroes", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		const [disk] = (await site.open()).disks;
		const map = JSON.parse(await runProgram("nbdinfo", ["--map", "--json", disk!.uri]));
		let at = 0;
		for (const { offset, length, type } of map) {
			assert.equal(offset, at);
			at += length;
			const bytes = DISK.subarray(offset, offset + length);
			if (type === (STATE_HOLE | STATE_ZERO)) assert.ok(bytes.every((byte) => byte === 0));
			else assert.equal(type, 0);
		}
		assert.equal(at, DISK.length);
		assert.ok(map.some(({ type }: { type: number }) => type === 3));
	});

	it("is copied, compared, converted and opened as it is, on a socket and on a port, two at a time", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		const onSocket = (await site.open()).disks[0]!.uri;
		const onPort = (await site.open({ listen: "127.0.0.1:0" })).disks[0]!.uri;
		const raw = site.folder.file("disk.raw");
		await writeFile(raw, DISK);
		const copies = [site.folder.file("a"), site.folder.file("b")];
		await Promise.all([runProgram("nbdcopy", [onSocket, copies[0]!]), runProgram("nbdcopy", [onPort, copies[1]!])]);
		for (const copy of copies) assertBytes(await readFile(copy), DISK, copy);
		assert.match(await runProgram("qemu-img", ["compare", "-f", "raw", "-F", "raw", onPort, raw]), /identical/);
		const qcow2 = site.folder.file("c.qcow2");
		await runProgram("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", onSocket, qcow2]);
		assert.match(await runProgram("qemu-img", ["compare", "-f", "qcow2", "-F", "raw", qcow2, raw]), /identical/);
		// A second server over ours: what qemu-nbd serves is what it was given.
		const through = site.folder.file("through.sock");
		await using server = await startProgram("qemu-nbd", ["-r", "-f", "raw", "-t", "-k", through, onSocket]);
		await listening(through);
		await using client = await connect(`nbd+unix:///?socket=${through}`);
		assertBytes(await client.read(0, DISK.length), DISK, "through qemu-nbd");
		await server.kill("SIGTERM");
	});

	it("lies under a qcow2 that takes what is written", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		const { uri } = (await site.open()).disks[0]!;
		const overlay = site.folder.file("overlay.qcow2");
		await runProgram("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", uri, overlay]);
		await runProgram("qemu-io", ["-f", "qcow2", "-c", "write -P 0x5a 100000 70000", overlay]);
		const flat = site.folder.file("flat");
		await runProgram("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", overlay, flat]);
		const wanted = Uint8Array.from(DISK).fill(0x5a, 100_000, 170_000);
		assertBytes((await readFile(flat)).subarray(0, DISK.length), wanted, "overlay");
		await using client = await connect(uri);
		assertBytes(await client.read(0, DISK.length), DISK, "the point itself");
	});

	it("refuses whoever insists on writing", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		const { uri } = (await site.open()).disks[0]!;
		const failed = await errorOf(runProgram("qemu-io", ["-f", "raw", "-c", "write 0 4096", uri]));
		assert.match(failed.message, /Permission denied/);
	});
});

describe("ExportTable", () => {
	it("finds a disk by its short name, its long ones, and without one where there is only one", async () => {
		await using site = await ExportSite.start({ vda: DISK, vdb: OTHER });
		const all = await site.open();
		const path = all.listen.replace("unix:", "");
		const sizeOf = async (exportName: string, address: string) => {
			await using client = await NbdClient.connect({ address: { path: address }, exportName });
			return client.size;
		};
		for (const name of ["vdb", "web1@2025-11-21T19:48:03.123Z/vdb", `web1@${TIME}/vdb`]) {
			assert.equal(await sizeOf(name, path), OTHER.length, name);
		}
		for (const name of ["", "vdc", "web1@latest/vda"]) {
			const error = await errorOf(sizeOf(name, path));
			assert.equal(error.code, "not-found");
			assert.match(error.message, /vda, vdb/);
		}
		const one = await site.open({ disks: site.disks.slice(1) });
		assert.equal(await sizeOf("", one.listen.replace("unix:", "")), OTHER.length);
		assert.equal(site.exports.list().length, 2);
	});

	it("gives random ranges as they are, from several connections at once", async (context) => {
		const random = testRandom(context);
		await using site = await ExportSite.start({ vda: DISK });
		const { uri } = (await site.open()).disks[0]!;
		await using one = await connect(uri);
		await using two = await connect(uri);
		await Promise.all(
			Array.from({ length: 300 }, async (_, at) => {
				const offset = random.between(0, DISK.length - 1);
				const length = Math.min(random.between(1, at % 10 === 0 ? 4_000_000 : 200_000), DISK.length - offset);
				const found = await (at % 2 === 0 ? one : two).read(offset, length);
				assertBytes(found, DISK.subarray(offset, offset + length), `${length} at ${offset}`);
			}),
		);
		assert.ok(site.exports.list()[0]!.sentBytes > 0);
	});

	it("names the damaged block, and reads on around it", async () => {
		await using site = await ExportSite.start({ vda: DISK }, async (vault) => {
			const packs = join(vault, "packs");
			const [pack] = (await readdir(packs)).sort();
			// In the data of the second record: a header of 24, two of 52, a block.
			await flipBit(join(packs, pack!), 24 + 2 * 52 + BLOCK_SIZE + 1000);
		});
		const { uri } = (await site.open()).disks[0]!;
		await using client = await connect(uri);
		for (const [offset, length] of [
			[0, 4 * BLOCK_SIZE],
			[BLOCK_SIZE + 7, 100],
		] as const) {
			const error = await errorOf(client.read(offset, length));
			assert.equal(error.code, "unavailable");
			assert.match(error.message, /EIO \(web1@2025-11-21T19:48:03.123Z\/vda: the block at 65536 cannot be read: /);
		}
		assertBytes(await client.read(0, BLOCK_SIZE), DISK.subarray(0, BLOCK_SIZE), "before");
		const rest = DISK.subarray(2 * BLOCK_SIZE);
		assertBytes(await client.read(2 * BLOCK_SIZE, rest.length), rest, "behind");
	});

	it("keeps its disks whole while their point is dropped, and lets them go when it ends", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		const view = await site.open();
		const dropAll = async () => {
			const none = (async function* () {})();
			await site.vault.collect(none, { graceMs: 0, rewriteBelow: 1, bytesPerSecond: 2 ** 40 });
		};
		await dropAll();
		{
			await using client = await connect(view.disks[0]!.uri);
			assertBytes(await client.read(0, DISK.length), DISK, "exported");
		}
		await site.exports.end(view.id);
		await dropAll();
		// The pack that is still written to is left alone.
		assert.ok(site.vault.stats().packs <= 1);
		// A point that is gone altogether is an error of the read, not of the server.
		const late = await site.open();
		await using client = await connect(late.disks[0]!.uri);
		assert.match((await errorOf(client.read(0, 4096))).message, /EIO \(.*the block at 0 cannot be read: .*no chunk/);
	});

	it("cuts its clients off when it ends, and takes its socket away", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		const view = await site.open();
		await using client = await connect(view.disks[0]!.uri);
		await client.read(0, 10);
		assert.equal(site.exports.list()[0]!.connections, 1);
		const path = view.listen.replace("unix:", "");
		assert.equal((await stat(path)).mode & 0o777, 0o600);
		const reading = Promise.allSettled([client.read(0, DISK.length), client.read(0, DISK.length)]);
		await site.exports.end(view.id);
		for (const outcome of await reading) {
			assert.ok(outcome.status === "fulfilled" || isUmbraError(outcome.reason, "unavailable"));
		}
		assert.equal((await errorOf(client.read(0, 10))).code, "unavailable");
		assert.ok(!existsSync(path));
		assert.deepEqual(site.exports.list(), []);
		await assert.rejects(site.exports.end(view.id), { code: "not-found" });
	});

	it("ends when its lease runs out, but not while a client is there", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		// One may have run out before anybody came.
		const open = async () =>
			await connect((await site.open({ leaseSeconds: 0.2 })).disks[0]!.uri).catch(() => undefined);
		await using client = await until(open, { what: "a client in time" });
		await site.open({ leaseSeconds: 0.2 });
		await until(() => site.exports.list().length === 1, { what: "the unused export ends" });
		assertBytes(await client.read(0, 1000), DISK.subarray(0, 1000), "still served");
		await client[Symbol.asyncDispose]();
		await until(() => site.exports.list().length === 0, { what: "the other ends too" });
	});

	it("listens where it is told to, and nowhere else than on this machine", async () => {
		await using site = await ExportSite.start({ vda: OTHER });
		const path = site.folder.file("mine.sock");
		const first = await site.open({ listen: `unix:${path}` });
		assert.equal(first.listen, `unix:${path}`);
		await assert.rejects(site.open({ listen: `unix:${path}` }), { code: "conflict", message: /it is taken/ });
		await site.exports.end(first.id);
		const file = site.folder.file("file");
		await writeFile(file, "mine");
		await assert.rejects(site.open({ listen: `unix:${file}` }), { code: "conflict" });
		assert.equal(await readFile(file, "utf8"), "mine");
		const port = await freePort();
		const { disks } = await site.open({ listen: `127.0.0.1:${port}` });
		assert.equal(disks[0]!.uri, `nbd://127.0.0.1:${port}/vda`);
		for (const [listen, code] of [
			["0.0.0.0:0", "denied"],
			["192.0.2.1:10809", "denied"],
			["unix:relative", "bad-config"],
			[`unix:/${"x".repeat(107)}`, "bad-config"],
			["somewhere", "bad-config"],
		] as const) {
			await assert.rejects(site.open({ listen }), { code }, listen);
		}
	});

	it("replaces a socket that a killed process left", async () => {
		await using site = await ExportSite.start({ vda: OTHER });
		const path = site.folder.file("left.sock");
		const code = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
		await using killed = await startProgram(process.execPath, ["-e", code]);
		await killed.finished;
		assert.ok(existsSync(path));
		const { disks } = await site.open({ listen: `unix:${path}` });
		await using client = await connect(disks[0]!.uri);
		assertBytes(await client.read(0, OTHER.length), OTHER, "served");
	});

	it("opens no more than it can serve", async () => {
		await using site = await ExportSite.start({ vda: OTHER });
		const opened = await Promise.allSettled(Array.from({ length: 34 }, () => site.open()));
		const refused = opened.filter((outcome) => outcome.status === "rejected");
		assert.equal(refused.length, 2);
		for (const { reason } of refused) assert.ok(isUmbraError(reason, "limit"));
	});
});

function socketUri(listen: string): string {
	return `nbd+unix:///?socket=${listen.replace("unix:", "")}`;
}
