import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { type DiskSet, findVolume, openDisk } from "../disk.ts";
import { bytesSource } from "../partition/builders.ts";
import { segmentSource, toDiskRanges } from "../segments.ts";
import { parseGroup } from "./group.ts";
import { parseLabel, parseMdaHeader } from "./label.ts";
import { copiesInStep, parseRaidSuperblock } from "./raid1.ts";
import { groupText, linear, PV_UUID, pvImage, sealed } from "./testing.ts";
import { parseText, type Section } from "./text.ts";

const MDA = { offset: 4096, size: 1024 * 1024 - 4096 };

function fails(action: () => unknown, code: string, detail: Readonly<Record<string, unknown>>): void {
	assert.throws(action, (error) => {
		assert.ok(error instanceof UmbraError, String(error));
		const found = Object.fromEntries(Object.keys(detail).map((key) => [key, error.context[key]]));
		assert.deepEqual([error.code, found], [code, detail]);
		return true;
	});
}

describe("parseLabel", () => {
	const head = (change: (bytes: Buffer) => void, seal = true): Buffer => {
		const bytes = pvImage(groupText({}), 1 << 21);
		change(bytes);
		return (seal ? sealed(bytes) : bytes).subarray(0, 2048);
	};
	it("reads what pvcreate writes", () => {
		assert.deepEqual(
			parseLabel(
				head(() => undefined),
				1 << 21,
			),
			{
				pvUuid: PV_UUID,
				deviceSize: 1 << 21,
				metadataAreas: [MDA],
			},
		);
	});
	const cases: readonly [
		what: string,
		change: (bytes: Buffer) => void,
		seal: boolean,
		code: string,
		field: string,
		at: number,
	][] = [
		["no label", (bytes) => bytes.write("LABELTWO", 512), true, "not-found", "id", 0],
		["another sector's label", (bytes) => bytes.writeUInt8(2, 520), true, "corrupt", "sector_xl", 520],
		["a wrong checksum", (bytes) => bytes.writeUInt8(1, 1000), false, "corrupt", "crc_xl", 528],
		["a header outside the sector", (bytes) => bytes.writeUInt32LE(500, 532), true, "corrupt", "offset_xl", 532],
		["a header in the label", (bytes) => bytes.writeUInt32LE(8, 532), true, "corrupt", "offset_xl", 532],
		["a UUID of other characters", (bytes) => bytes.writeUInt8(0, 550), true, "corrupt", "pv_uuid", 544],
		["areas without an end", (bytes) => bytes.fill(1, 584, 1024), true, "corrupt", "disk_areas_xl", 584],
		["areas up to the end", (bytes) => fillAreas(bytes), true, "corrupt", "disk_areas_xl", 1016],
		["a size beyond 2^53", (bytes) => bytes.fill(0xff, 576, 584), true, "corrupt", "device_size_xl", 576],
	];
	for (const [what, change, seal, code, field, at] of cases) {
		it(`refuses ${what}`, () => {
			const place = field === "device_size_xl" || (field === "disk_areas_xl" && at === 584) ? {} : { offset: at };
			fails(() => parseLabel(head(change, seal), 1 << 21), code, { field, ...place });
		});
	}
	it("leaves out metadata areas that leave the volume", () => {
		const outside = head((bytes) => bytes.writeBigUInt64LE(BigInt(1 << 21), 616));
		assert.deepEqual(parseLabel(outside, 1 << 21).metadataAreas, []);
	});
});

function fillAreas(bytes: Buffer): void {
	for (let at = 584; at + 16 <= 1024; at += 16) bytes.writeBigUInt64LE(4096n, at);
}

describe("parseMdaHeader", () => {
	const header = (change: (bytes: Buffer) => void, seal = true): Buffer => {
		const bytes = pvImage(groupText({}), 1 << 21);
		change(bytes);
		return (seal ? sealed(bytes) : bytes).subarray(4096, 4608);
	};
	const at = (field: number) => 4096 + field;
	it("says where the text stands, in two parts where it wraps", () => {
		const wrapping = header((bytes) => {
			bytes.writeBigUInt64LE(BigInt(MDA.size - 100), at(40));
			bytes.writeBigUInt64LE(300n, at(48));
		});
		assert.deepEqual(parseMdaHeader(wrapping, MDA)?.parts, [
			{ offset: 4096 + MDA.size - 100, size: 100 },
			{ offset: 4096 + 512, size: 200 },
		]);
	});
	it("finds nothing in an area that is empty or to be ignored", () => {
		assert.equal(
			parseMdaHeader(
				header((bytes) => bytes.writeBigUInt64LE(0n, at(40))),
				MDA,
			),
			undefined,
		);
		assert.equal(
			parseMdaHeader(
				header((bytes) => bytes.writeUInt32LE(1, at(60))),
				MDA,
			),
			undefined,
		);
	});
	const cases: readonly [what: string, change: (bytes: Buffer) => void, code: string, field: string][] = [
		["another magic", (bytes) => bytes.writeUInt8(0, at(4)), "corrupt", "magic"],
		["another version", (bytes) => bytes.writeUInt32LE(2, at(20)), "corrupt", "version"],
		["another area's header", (bytes) => bytes.writeBigUInt64LE(8192n, at(24)), "corrupt", "start"],
		["a text in the header", (bytes) => bytes.writeBigUInt64LE(100n, at(40)), "corrupt", "offset"],
		["a text behind the area", (bytes) => bytes.writeBigUInt64LE(BigInt(MDA.size), at(40)), "corrupt", "offset"],
		["a text longer than the ring", (bytes) => bytes.writeBigUInt64LE(BigInt(MDA.size), at(48)), "corrupt", "offset"],
		["a text of terabytes", (bytes) => bytes.writeBigUInt64LE(1n << 42n, at(48)), "limit", "size"],
		["an offset beyond 2^53", (bytes) => bytes.writeBigUInt64LE(1n << 60n, at(40)), "corrupt", "offset"],
	];
	for (const [what, change, code, field] of cases) {
		it(`refuses ${what}`, () => fails(() => parseMdaHeader(header(change), MDA), code, { field }));
	}
	it("refuses a wrong checksum", () => {
		fails(
			() =>
				parseMdaHeader(
					header((bytes) => bytes.writeUInt8(1, at(300)), false),
					MDA,
				),
			"corrupt",
			{
				field: "checksum_xl",
				offset: 4096,
			},
		);
	});
});

describe("parseText", () => {
	it("reads sections, numbers, strings and lists, and skips comments", () => {
		const text = '# x\na { b = -3 c=[ 1 , "two\\"\\\\", ] "quoted" = "line\nfeed" # }\n d { } }\ne = []\0\0';
		const plain = (section: Section): unknown =>
			Object.fromEntries([...section].map(([key, value]) => [key, value instanceof Map ? plain(value) : value]));
		assert.deepEqual(plain(parseText(text)), {
			a: { b: -3, c: [1, 'two"\\'], quoted: "line\nfeed", d: {} },
			e: [],
		});
	});
	const cases: readonly [text: string, code: string, offset: number][] = [
		["a", "corrupt", 1],
		["a {", "corrupt", 3],
		["a = ", "corrupt", 4],
		["a = x", "corrupt", 4],
		["}", "corrupt", 0],
		['a = "x', "corrupt", 4],
		["a = [1", "corrupt", 6],
		["a = [1 2]", "corrupt", 7],
		["= 3", "corrupt", 0],
		["a{".repeat(100), "limit", 34],
	];
	for (const [text, code, offset] of cases) {
		it(`refuses ${text.slice(0, 20)}`, () => fails(() => parseText(text), code, { offset }));
	}
	it("takes time that grows with the text, whatever is in it", () => {
		for (const piece of ["#", "# \n", " ", "a", '"', "\\", "[", "{", "a=1 ", "\0"]) {
			const text = piece.repeat(Math.floor((2 * 1024 * 1024) / piece.length));
			try {
				parseText(text);
			} catch (error) {
				assert.ok(isUmbraError(error, "corrupt", "limit"), `${piece}: ${error}`);
			}
		}
	});
});

async function open(text: string): Promise<DiskSet & { bytes: Buffer }> {
	const bytes = pvImage(text);
	const disk = await openDisk(bytesSource(bytes));
	return { ...disk, disks: [], bytes };
}

describe("openDisk on volume groups of our own making", () => {
	it("finds the volumes", async () => {
		const { volumes, problems } = await open(
			groupText({ root: [linear(0, 2, 3), linear(2, 1, 5)], swap: [linear(0, 1, 0)] }),
		);
		assert.deepEqual(problems, []);
		assert.deepEqual(
			volumes.map(({ id, offset, length, segments }) => [id, offset, length, segments.length]),
			[
				["", 0, 16 << 20, 1],
				["vg/root", 4 << 20, 3 << 20, 1],
				["vg/swap", 1 << 20, 1 << 20, 1],
			],
		);
	});
	const segment = (type: string, rest: string) => `start_extent = 0\nextent_count = 2\ntype = "${type}"\n${rest}`;
	const cases: readonly [what: string, volumes: Record<string, string[]>, code: string][] = [
		["extents beyond the physical volume", { v: [linear(0, 2, 14)] }, "corrupt"],
		["an extent of 2^60", { v: [linear(0, 2, 2 ** 60)] }, "corrupt"],
		["a gap between segments", { v: [linear(0, 1, 0), linear(2, 1, 1)] }, "corrupt"],
		["segments over each other", { v: [linear(0, 2, 0), linear(1, 1, 3)] }, "corrupt"],
		["a segment of no extents", { v: [linear(0, 0, 0)] }, "corrupt"],
		["a volume made of itself", { v: [segment("striped", 'stripes = ["v", 0]')] }, "limit"],
		["a volume that is not there", { v: [segment("striped", 'stripes = ["pv9", 0]')] }, "corrupt"],
		["a stripe size of 0", { v: [segment("striped", 'stripe_size = 0\nstripes = ["pv0", 0, "pv0", 1]')] }, "corrupt"],
		[
			"an uneven stripe size",
			{ v: [segment("striped", 'stripe_size = 3\nstripes = ["pv0", 0, "pv0", 1]')] },
			"corrupt",
		],
		[
			"three stripes of two extents",
			{ v: [segment("striped", 'stripe_size = 8\nstripes = ["pv0", 0, "pv0", 1, "pv0", 2]')] },
			"corrupt",
		],
		["no stripes", { v: [segment("striped", "stripes = []")] }, "corrupt"],
		["a raid1 without copies", { v: [segment("raid1", 'raids = ["m"]')] }, "corrupt"],
		["a thin volume", { v: [segment("thin", 'thin_pool = "p"')] }, "unsupported"],
		["a cache", { v: [segment("cache+CACHE_USES_CACHEVOL", 'origin = "o"')] }, "unsupported"],
	];
	for (const [what, broken, code] of cases) {
		it(`keeps the others beside ${what}`, async () => {
			const { volumes } = await open(groupText({ ...broken, good: [linear(0, 1, 4)] }));
			assert.equal(findVolume({ volumes }, "vg/good").offset, 5 << 20);
			const volume = findVolume({ volumes }, "vg/v");
			assert.deepEqual([volume.segments.length, volume.kind.startsWith("LVM2_")], [0, true]);
			await assert.rejects(volume.open(), (error) => isUmbraError(error) && error.code === code);
		});
	}
	it("does not hand on a type that is no name", async () => {
		const found = await open(groupText({ v: [segment("x".repeat(1000), "")] }));
		assert.equal(findVolume(found, "vg/v").kind, "LVM2_unknown");
	});
	it("does not follow volumes that double with every level", async () => {
		const volumes: Record<string, string[]> = { v0: [linear(0, 1, 0)] };
		// Volume n uses volume n - 1 twenty times: without a bound, 20^7 segments.
		for (let level = 1; level < 8; level++) {
			const area = `stripes = ["v${level - 1}", 0]`;
			volumes[`v${level}`] = Array.from({ length: 20 }, (_, at) => {
				return `start_extent = ${at * 20 ** (level - 1)}\nextent_count = ${20 ** (level - 1)}\ntype = "striped"\n${area}`;
			});
		}
		const found = await open(groupText(volumes));
		await assert.rejects(findVolume(found, "vg/v7").open(), (error) => isUmbraError(error, "limit"));
	});
});

describe("copiesInStep", () => {
	const superblock = (position: number, events: bigint, failedDevices = 0n, isComplete = true) => {
		return { position, events, failedDevices, isComplete };
	};
	it("takes the copies that the newest ones do not call failed", () => {
		assert.deepEqual(copiesInStep([undefined, undefined]), [0, 1]);
		assert.deepEqual(copiesInStep([superblock(0, 4n), superblock(1, 4n)]), [0, 1]);
		assert.deepEqual(copiesInStep([superblock(0, 3n), superblock(1, 4n)]), [1]);
		assert.deepEqual(copiesInStep([superblock(0, 4n, 2n), superblock(1, 4n)]), [0]);
		assert.deepEqual(copiesInStep([superblock(0, 4n, 0n, false), superblock(1, 4n)]), [1]);
		assert.deepEqual(copiesInStep([undefined, superblock(1, 4n)]), [1]);
		assert.equal(parseRaidSuperblock(Buffer.alloc(512)), undefined);
	});
});

/** Some spoilt bytes in the text or the headers, with checksums that are right again. */
function spoil(random: Random, text: string): Buffer {
	const spoilt = Buffer.from(text);
	const tokens = [
		"{",
		"}",
		"[",
		"]",
		'"',
		"=",
		",",
		"#",
		"-1",
		"99999999999",
		"\0",
		"\\",
		"segment1",
		"pv0",
		"v1",
		"0",
	];
	for (let count = random.between(0, 4); count > 0; count--) {
		const at = random.below(spoilt.length);
		if (random.chance(0.5)) spoilt.write(random.pick(tokens), at, "latin1");
		else spoilt[at] = random.below(256);
	}
	const bytes = pvImage(spoilt.toString("latin1"), 2 << 20);
	for (let count = random.below(3); count > 0; count--) {
		const at = random.pick([512, 4096]) + random.below(128);
		bytes[at] = random.below(256);
	}
	if (random.chance(0.8)) sealed(bytes);
	return bytes;
}

describe("openDisk on damaged volume groups", () => {
	it("ends in time with volumes or problems, and never leaves the disk", async (context) => {
		const random = testRandom(context);
		const text = groupText({
			v0: [linear(0, 1, 0)],
			v1: ['start_extent = 0\nextent_count = 2\ntype = "striped"\nstripe_size = 8\nstripes = ["pv0", 0, "pv0", 1]'],
			v2: ['start_extent = 0\nextent_count = 1\ntype = "raid1"\nraids = ["v0", "v3", "v0", "v4"]'],
			v3: ['start_extent = 0\nextent_count = 1\ntype = "mirror"\nmirrors = ["v4", 0, "v0", 0]'],
			v4: ['start_extent = 0\nextent_count = 1\ntype = "raid0"\nraid0_lvs = ["v0"]'],
			v5: ['start_extent = 0\nextent_count = 1\ntype = "snapshot"\norigin = "v0"\ncow_store = "v1"'],
		}).replace("pe_count = 15", "pe_count = 1");
		const end = Date.now() + 5000;
		let rounds = 0;
		let found = 0;
		// At least so many, where this host had no time for more.
		while (Date.now() < end || rounds < 200) {
			rounds++;
			const source = bytesSource(spoil(random, text));
			const { volumes } = await openDisk(source);
			for (const volume of volumes) {
				let last = 0;
				for (const { disk, offset, length } of toDiskRanges(volume.segments, 0, volume.length)) {
					assert.equal(disk, 0);
					assert.ok(offset >= 0 && offset + length <= source.size, `${offset}+${length}`);
					last += length;
				}
				if (volume.segments.length === 0) continue;
				assert.equal(last, volume.length);
				if (volume.id.includes("/")) {
					found++;
					await segmentSource([source], volume.segments, volume.id).read(0, volume.length);
				}
			}
		}
		context.diagnostic(`${rounds} damaged groups, ${found} volumes read`);
		assert.ok(found > 0);
	});
});

describe("parseGroup", () => {
	it("refuses what is no volume group", () => {
		fails(() => parseGroup("version = 1"), "corrupt", { field: "contents" });
		fails(() => parseGroup(groupText({}).replace("version = 1", "version = 2")), "unsupported", { field: "version" });
		fails(() => parseGroup(groupText({}).replace("extent_size = 2048", "extent_size = 0")), "corrupt", {
			field: "extent_size",
		});
		fails(() => parseGroup(groupText({}).replace("seqno = 7", 'seqno = "7"')), "corrupt", { field: "seqno" });
		fails(() => parseGroup(groupText({}).replace("vg {", '"../vg" {')), "corrupt", { found: '"../vg"' });
	});
});
