import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeLznt1 } from "./lznt1.ts";
import { decodeName } from "./names.ts";
import { reparseTarget } from "./reparse.ts";
import { decodeRuns, findRun, type Runs } from "./runlist.ts";
import { parseSid, Security } from "./security.ts";
import { recordOf, streamInodes } from "./stream-ids.ts";
import { reparseData } from "./testing.ts";
import { readFileTime } from "./time.ts";

describe("decodeRuns", () => {
	const decode = (bytes: readonly number[], vcn = 0, clusters = 1000) => {
		const runs: Runs = [];
		return { result: decodeRuns(Uint8Array.from(bytes), 0, bytes.length, vcn, clusters, runs), runs };
	};
	it("takes offsets as differences, signed, holes left out, neighbours joined", () => {
		// 24 at 100; a hole of 8; 300 at 100 - 60; 5 behind the last.
		const bytes = [0x11, 24, 100, 0x01, 8, 0x12, 0x2c, 0x01, 0xc4, 0x21, 5, 0x2c, 0x01, 0];
		assert.deepEqual(decode(bytes), { result: 337, runs: [0, 100, 24, 32, 40, 305] });
		assert.deepEqual(decode([0x11, 2, 50, 0], 16), { result: 18, runs: [16, 50, 2] });
		assert.deepEqual(decode([0]), { result: 0, runs: [] });
	});
	for (const { what, bytes, says } of [
		{ what: "no end", bytes: [0x11, 1, 1], says: /without an end/ },
		{ what: "a cut run", bytes: [0x22, 1, 0], says: /cut off/ },
		{ what: "a count of none", bytes: [0x11, 0, 1, 0], says: /a run of 0 clusters/ },
		{ what: "a negative count", bytes: [0x11, 0xff, 1, 0], says: /a run of -1 clusters/ },
		{ what: "no count", bytes: [0x10, 1, 0], says: /impossible form 0x10/ },
		{ what: "nine bytes", bytes: [0x19, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0], says: /impossible form 0x19/ },
		{ what: "a place before the volume", bytes: [0x11, 1, 0xff, 0], says: /1 clusters at -1, of 1000/ },
		{ what: "a place behind it", bytes: [0x21, 2, 0xe7, 3, 0], says: /2 clusters at 999, of 1000/ },
		{ what: "a hole beyond 2^53", bytes: [0x08, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0], says: /a run of \d+ clusters/ },
	]) {
		it(`says what is wrong: ${what}`, () => assert.match(String(decode(bytes).result), says));
	}
	it("is found by cluster", () => {
		const runs = [0, 100, 24, 32, 40, 300];
		assert.deepEqual(
			[0, 23, 24, 31, 32, 331, 332].map((vcn) => findRun(runs, vcn)),
			[0, 0, 3, 3, 3, 3, 6],
		);
	});
});

describe("decodeLznt1", () => {
	// The example of [MS-XCA] 3.3.
	const packed = Buffer.from(
		"38b08846232000204720410010a24701a045204400084501507900c04520052413880" +
			"5b4024a44ef0358028c091601484500be009e000401189000",
		"hex",
	);
	it("decodes Microsoft's example", () => {
		const plain =
			"F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\0";
		const out = Buffer.alloc(plain.length);
		assert.equal(decodeLznt1(packed, out), undefined);
		assert.equal(out.toString("latin1"), plain);
	});
	it("fills with zeroes what no chunk tells, and takes plain chunks as they are", () => {
		const out = Buffer.alloc(8192, 1);
		out.fill(0);
		const chunk = Buffer.concat([Buffer.from([0xff, 0x3f]), Buffer.alloc(4096, 7), Buffer.alloc(2)]);
		assert.equal(decodeLznt1(chunk, out), undefined);
		assert.ok(out.subarray(0, 4096).every((byte) => byte === 7) && out.subarray(4096).every((byte) => byte === 0));
	});
	for (const { what, bytes, says } of [
		{ what: "a chunk that is cut off", bytes: [0x10, 0xb0, 0], says: /a chunk of 17 bytes where 1 are left/ },
		{ what: "a reference before the chunk", bytes: [0x02, 0xb0, 0x01, 0x00, 0x10], says: /2 bytes back from byte 0/ },
		{ what: "a reference that is cut off", bytes: [0x02, 0xb0, 0x02, 0x61, 0x00], says: /cut off/ },
		{ what: "a chunk that is too long", bytes: [0x03, 0xb0, 0x02, 0x61, 0xff, 0x0f], says: /longer than 4 KiB/ },
	]) {
		it(`says what is wrong: ${what}`, () =>
			assert.match(decodeLznt1(Buffer.from(bytes), Buffer.alloc(4096)) ?? "", says));
	}
});

describe("decodeName", () => {
	const name = (text: string) => decodeName(Buffer.from(text, "utf16le"), 0, text.length);
	it("is the name", () => {
		for (const text of ["plain.txt", "straße", "日本語", "😀", "...", ".a", "n".repeat(255)])
			assert.equal(name(text), text);
	});
	it("escapes what would make a path another's, and what is no text", () => {
		assert.equal(name("../etc"), "..\\x2fetc");
		assert.equal(name("a\0b"), "a\\x00b");
		assert.equal(name(".."), "\\x2e\\x2e");
		assert.equal(name("."), "\\x2e");
		assert.equal(name("x\ud800y"), "x\\xed\\xa0\\x80y");
	});
});

describe("readFileTime", () => {
	it("gives whole seconds as whole numbers, and parts of them", () => {
		for (const seconds of [0, 1, 1_700_000_000, 1_795_296_293, -5_000_000_000, 5_000_000_000]) {
			for (const ticks of [0n, 1n, 5_000_000n, 9_999_990n]) {
				const bytes = Buffer.alloc(8);
				bytes.writeBigUInt64LE(BigInt(seconds + 11_644_473_600) * 10_000_000n + ticks);
				const time = readFileTime(new DataView(bytes.buffer, bytes.byteOffset, 8), 0);
				if (ticks === 0n) assert.equal(time, seconds);
				assert.ok(Math.abs(time - seconds - Number(ticks) / 1e7) < 1e-6);
				assert.equal(Math.floor(time), seconds);
			}
		}
	});
});

describe("Security", () => {
	const system = Buffer.from("010100000000000512000000", "hex");
	it("reads SIDs", () => {
		assert.equal(parseSid(Buffer.concat([Buffer.alloc(4), system]), 4), "S-1-5-18");
		assert.equal(parseSid(system.subarray(0, 11), 0), undefined);
		assert.equal(parseSid(Buffer.concat([Buffer.alloc(1), system.subarray(0, 11)]), 1), undefined);
		assert.equal(parseSid(Buffer.from("aaaa0110000000000005", "hex"), 2), undefined);
	});
	it("gives the same SID the same number whatever came before it", () => {
		const descriptor = (rid: number) => {
			const sid = Buffer.from("010500000000000515000000010000000200000003000000e9030000", "hex");
			sid.writeUInt32LE(rid, 24);
			const head = Buffer.alloc(20);
			head.writeUInt32LE(20, 4);
			head.writeUInt32LE(20, 8);
			return Buffer.concat([head, sid]);
		};
		const one = new Security();
		const other = new Security();
		for (let rid = 1500; rid > 1000; rid--) other.ownerOf(0, descriptor(rid));
		const { uid } = one.ownerOf(0, descriptor(1001));
		assert.equal(other.ownerOf(0, descriptor(1001)).uid, uid);
		assert.equal(one.owners().users.get(uid), "S-1-5-21-1-2-3-1001");
		assert.equal(one.owners().users.get(18), "SYSTEM");
		assert.equal(new Set(other.owners().users.keys()).size, 515);
		assert.deepEqual(one.ownerOf(7, undefined), { uid: 65534, gid: 65534 });
	});
});

describe("streamInodes", () => {
	it("numbers a stream by its file and its name, each once", () => {
		const names = Array.from({ length: 2000 }, (_, i) => `stream ${i}`);
		const numbers = streamInodes(77, names);
		assert.equal(new Set(numbers).size, 2000);
		for (const number of numbers) assert.ok(recordOf(number) === 77 && number >= 2 ** 32 && number < 2 ** 52);
		assert.deepEqual(streamInodes(77, names.toReversed()).reverse(), numbers);
		assert.deepEqual(streamInodes(77, ["one"]), streamInodes(77, ["one", "two"]).slice(0, 1));
	});
});

describe("reparseTarget", () => {
	it("gives targets as paths, and nothing for data that is cut off", () => {
		assert.equal(reparseTarget(reparseData("symlink", "..\\a\\b")), "../a/b");
		assert.equal(reparseTarget(reparseData("junction", "\\??\\Volume{1}\\", "")), "Volume{1}/");
		const whole = reparseData("symlink", "target");
		for (let length = 0; length < whole.length - 12; length++)
			assert.equal(reparseTarget(whole.subarray(0, length)), undefined);
	});
});
