import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FatDirectoryParser } from "./directory.ts";
import type { Entry } from "./entry.ts";
import { decodeUtf16, shortChecksum } from "./names.ts";
import { dosTime, exfatTime } from "./times.ts";

/** A short entry: eleven bytes of name, and whatever else is told. */
function short(name: string | Buffer, also: (entry: Buffer) => void = () => undefined): Buffer {
	const entry = Buffer.alloc(32);
	Buffer.from(name as string, "latin1").copy(entry);
	entry[11] = 0x20;
	also(entry);
	return entry;
}

/** The entries of a long name, as they stand in front of their short one. */
function long(name: string, owner: Buffer): Buffer[] {
	const units = [...name].length === 0 ? [] : Array.from({ length: name.length }, (_, i) => name.charCodeAt(i));
	const count = Math.ceil(units.length / 13);
	if (units.length % 13 !== 0) units.push(0);
	return Array.from({ length: count }, (_, i) => {
		const number = count - i;
		const entry = Buffer.alloc(32);
		entry[0] = number | (i === 0 ? 0x40 : 0);
		entry[11] = 0x0f;
		entry[13] = shortChecksum(owner, 0);
		for (const [j, place] of [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].entries()) {
			entry.writeUInt16LE(units[(number - 1) * 13 + j] ?? 0xffff, place);
		}
		return entry;
	});
}

/** What a parser finds; the entries are handed over in pieces of `piece`. */
function parse(entries: readonly Buffer[], piece = entries.length, label?: (label: string) => void): Entry[] {
	const found: Entry[] = [];
	const parser = new FatDirectoryParser({ entry: (entry) => void found.push(entry), fault: assert.fail }, true, label);
	for (let at = 0; at < entries.length; at += piece) {
		if (!parser.feed(Buffer.concat(entries.slice(at, at + piece)), 4096 + at * 1000)) break;
	}
	parser.end();
	return found;
}

const names = (entries: readonly Entry[]) => entries.map(({ name }) => name);
const OWNER = short("LONGNA~1TXT");
const LONG = "A long name of three entries.text";

describe("FatDirectoryParser", () => {
	it("joins the parts of a long name, however the directory is cut", () => {
		for (const piece of [1, 2, 3, 4, 5]) {
			const [entry, ...more] = parse([...long(LONG, OWNER), OWNER, short("NEXT       ")], piece);
			assert.equal(entry?.name, LONG);
			assert.equal(entry.shortName, "LONGNA~1.TXT");
			assert.deepEqual(names(more), ["NEXT"]);
		}
		for (const length of [1, 12, 13, 14, 26, 255]) {
			assert.deepEqual(names(parse([...long("x".repeat(length), OWNER), OWNER])), ["x".repeat(length)]);
		}
	});

	const parts = long(LONG, OWNER);
	const changed = (index: number, at: number, value: number) =>
		parts.map((part, i) => {
			const copy = Buffer.from(part);
			if (i === index) copy[at] = value;
			return copy;
		});
	const broken: readonly [what: string, parts: readonly Buffer[]][] = [
		["a part missing at the front", parts.slice(1)],
		["a part missing in the middle", [parts[0]!, parts[2]!]],
		["a part missing at the end", parts.slice(0, 2)],
		["parts in the wrong order", [parts[0]!, parts[2]!, parts[1]!]],
		["a part of another checksum", changed(1, 13, 0)],
		["a deleted part", changed(1, 0, 0xe5)],
		["the checksum of another short name", long(LONG, short("OTHER   TXT"))],
		["a number beyond twenty", changed(0, 0, 0x55)],
		["number zero", changed(0, 0, 0x40)],
		["a short entry in between", [...parts.slice(0, 2), short("BETWEEN    "), parts[2]!]],
		["no characters", changed(2, 1, 0).map((part) => (part[0] === 1 ? part.fill(0, 1, 11) : part))],
	];
	for (const [what, set] of broken) {
		it(`falls back to the short name where a long one has ${what}`, () => {
			assert.equal(names(parse([...set, OWNER])).at(-1), "LONGNA~1.TXT");
		});
	}

	it("takes the second of two long names where the first was left alone", () => {
		assert.deepEqual(names(parse([...parts.slice(0, 2), ...parts, OWNER])), [LONG]);
	});

	it("shows short names in code page 437 and Windows NT's letters", () => {
		const shown = (name: string | Buffer, marks = 0) =>
			names(parse([short(name, (entry) => entry.writeUInt8(marks, 12))]))[0];
		assert.equal(shown("README  TXT"), "README.TXT");
		assert.equal(shown("README  TXT", 0x08), "readme.TXT");
		assert.equal(shown("README  TXT", 0x10), "README.txt");
		assert.equal(shown("README  TXT", 0x18), "readme.txt");
		assert.equal(shown("NOEXT      "), "NOEXT");
		assert.equal(shown("A B     C D"), "A B.C D");
		assert.equal(shown("STRA\xe1E  TXT"), "STRAßE.TXT");
		assert.equal(shown("\x90COLE   \x9a\x8e\x99"), "ÉCOLE.ÜÄÖ");
		assert.equal(shown("\x90COLE   \x9a\x8e\x99", 0x18), "école.üäö");
		// 0xe5 at the front would be a deleted entry.
		assert.equal(shown("\x05BC        "), "σBC");
	});

	it("skips deleted entries, labels and dots, and ends at the first that was never used", () => {
		const labels: string[] = [];
		const label = short("MY LABEL   ", (entry) => entry.writeUInt8(0x08, 11));
		const dots = [short(".          "), short("..         ")];
		const all = [label, ...dots, short("\xe5ONE       "), short("HERE       "), Buffer.alloc(32), short("OLD        ")];
		assert.deepEqual(names(parse(all, 2, (found) => void labels.push(found))), ["HERE"]);
		assert.deepEqual(labels, ["MY LABEL"]);
	});

	it("keeps names inside their directory", () => {
		const shown = (name: string) => names(parse([...long(name, OWNER), OWNER]))[0];
		assert.equal(shown("../../etc"), "..\\x2f..\\x2fetc");
		assert.equal(shown(".."), "\\x2e\\x2e");
		assert.equal(shown("."), "\\x2e");
		assert.deepEqual(names(parse([short("A/B     C/D")])), ["A\\x2fB.C\\x2fD"]);
	});

	it("reads the cluster, the size and the times", () => {
		const [entry] = parse([
			short("FILE    BIN", (bytes) => {
				bytes[13] = 150;
				bytes.writeUInt16LE((12 << 11) | (34 << 5) | 28, 14);
				bytes.writeUInt16LE((44 << 9) | (2 << 5) | 29, 16);
				bytes.writeUInt16LE(0x0012, 20);
				bytes.writeUInt16LE((23 << 11) | (59 << 5) | 29, 22);
				bytes.writeUInt16LE((127 << 9) | (12 << 5) | 31, 24);
				bytes.writeUInt16LE(0x3456, 26);
				bytes.writeUInt32LE(0xffffffff, 28);
			}),
		]);
		assert.equal(entry?.firstCluster, 0x123456);
		assert.equal(entry.size, 4294967295);
		assert.equal(entry.created, Date.UTC(2024, 1, 29, 12, 34, 57, 500) / 1000);
		assert.equal(entry.mtime, Date.UTC(2107, 11, 31, 23, 59, 58) / 1000);
	});
});

describe("times", () => {
	it("are 0 where none was written, and never out of the calendar", () => {
		assert.equal(dosTime(0, 0x7777, 3), 0);
		assert.equal(dosTime(1, 0), Date.UTC(1980, 0, 1) / 1000);
		assert.equal(exfatTime(0, 0, 0x80), 0);
		for (let date = 1; date < 65536; date += 37) {
			assert.ok(Number.isFinite(dosTime(date, 65535 - date, 255)), String(date));
		}
	});

	it("take a distance from UTC of a quarter of an hour each, where it is valid", () => {
		const noon = ((44 << 9) | (1 << 5) | 1) * 65536 + (12 << 11);
		const utc = Date.UTC(2024, 0, 1, 12) / 1000;
		assert.equal(exfatTime(noon, 0, 0x80), utc);
		assert.equal(exfatTime(noon, 0, 0x80 | 4), utc - 3600);
		assert.equal(exfatTime(noon, 0, 0x80 | 0x60), utc + 8 * 3600);
		assert.equal(exfatTime(noon, 0, 0x04), utc);
	});
});

describe("decodeUtf16", () => {
	it("joins surrogates, and escapes a half that stands alone", () => {
		assert.equal(decodeUtf16(Uint16Array.of(0x61, 0xd83d, 0xde00), 3), "a😀");
		assert.equal(decodeUtf16(Uint16Array.of(0xd83d, 0x62), 2), "\\xed\\xa0\\xbdb");
		assert.equal(decodeUtf16(Uint16Array.of(0xde00), 1), "\\xed\\xb8\\x80");
	});
});
