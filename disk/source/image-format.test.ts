import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isSingleFile, MAGIC_BYTES } from "./image-format.ts";

/** The header of a qcow2 that stands for itself, with one 64-bit field set. */
function qcow2(version: number, offset = 24, value = 1n): Buffer {
	const head = Buffer.alloc(MAGIC_BYTES);
	head.write("QFI\xfb", "latin1");
	head.writeUInt32BE(version, 4);
	head.writeBigUInt64BE(value, offset);
	return head;
}

describe("isSingleFile", () => {
	for (const [what, head, wanted] of [
		["raw", Buffer.alloc(MAGIC_BYTES, 1), true],
		["an empty file", Buffer.alloc(0), true],
		["qcow2", qcow2(3), true],
		["qcow2 with a backing file", qcow2(3, 8, 0x200n), false],
		["qcow2 version 2 with a backing file", qcow2(2, 8, 0x70n), false],
		["qcow2 with an external data file", qcow2(3, 72, 4n), false],
		["qcow2 with another feature", qcow2(3, 72, 1n), true],
		["qcow2 version 2, which has no features", qcow2(2, 72, 4n), true],
		["qcow2 that is cut short", qcow2(3).subarray(0, 79), false],
		["a VMDK descriptor", Buffer.from("# Disk DescriptorFile\n"), false],
		["vhdx", Buffer.from("vhdxfile"), false],
	] as const) {
		it(`says ${wanted ? "yes" : "no"} to ${what}`, () => assert.equal(isSingleFile(head), wanted));
	}
});
