import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { diskId } from "./block-graph.ts";

describe("diskId", () => {
	const table: readonly (readonly [what: string, qdev: string, device: string, node: string, id: string])[] = [
		["a virtio disk's id", "/machine/peripheral/vda/virtio-backend", "drive0", "n0", "vda"],
		["a SCSI or IDE disk's id, which QEMU gives bare", "sda", "", "libvirt-2-format", "sda"],
		["a bare id before the drive's name", "sda", "drive0", "n0", "sda"],
		[
			"the drive's name of a device without an id",
			"/machine/peripheral-anon/device[0]/virtio-backend",
			"d1",
			"n1",
			"d1",
		],
		["the node's name where there is no drive", "/machine/peripheral-anon/device[0]", "", "root-disk", "root-disk"],
		[
			"the place, not a node's name that QEMU made up",
			"/machine/peripheral-anon/device[3]/virtio-backend",
			"",
			"#block123",
			"peripheral-anon-device[3]",
		],
		["a place on the board", "/machine/system.flash1", "", "", "system.flash1"],
		["a name with a slash in front of what is taken for the id", "/machine/peripheral/a.b-c_1/x/y", "", "", "a.b-c_1"],
	];
	for (const [what, qdev, device, node, id] of table) {
		it(`is ${what}`, () => assert.equal(diskId(qdev, device, node), id));
	}
});
