import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClassicLevel } from "classic-level";
import { isUmbraError } from "../../common/errors.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { SnapshotDisk, Tracking } from "../hypervisor/hypervisor.ts";
import type { AgentDb } from "./block-index.ts";
import { captureMode, loadVmState, NEW_VM, type VmState, vmStateOperation } from "./vm-state.ts";

const TRACKED: Tracking = { kind: "tracked", context: "qemu:dirty-bitmap:umbra-a" };
const LISTED: Tracking = { kind: "listed", ranges: [0, 1] };
const LOST: Tracking = { kind: "lost", reason: "dirty bitmap umbra-a is gone" };

const disk = (id: string, size: number, tracking: Tracking): SnapshotDisk => ({
	disk: { id, size, format: "qcow2" },
	socketPath: "",
	exportName: "",
	tracking,
	token: "umbra-b",
});
const known = (id: string, size: number): VmState => ({
	headId: "c1",
	headTime: "1",
	disks: { [id]: { size, token: "umbra-a" } },
});

describe("captureMode", () => {
	for (const [what, state, found, mode, reason] of [
		["a new VM", NEW_VM, disk("va", 10, TRACKED), "first", /no earlier capture/],
		["a new VM whose record is lost", NEW_VM, disk("va", 10, LOST), "first", /no earlier capture/],
		["a disk without a head", { ...known("va", 10), headId: "" }, disk("va", 10, TRACKED), "first", /no earlier/],
		["a new disk of a known VM", known("vb", 10), disk("va", 10, TRACKED), "first", /new disk/],
		["a new disk whose record is lost", known("vb", 10), disk("va", 10, LOST), "first", /new disk/],
		["a known disk", known("va", 10), disk("va", 10, TRACKED), "tracked", /^$/],
		["a known disk whose differences are listed", known("va", 10), disk("va", 10, LISTED), "tracked", /^$/],
		["a disk that grew, however they are", known("va", 10), disk("va", 20, LISTED), "resync", /resized from 10 to 20/],
		["a known disk that grew", known("va", 10), disk("va", 20, TRACKED), "resync", /resized from 10 to 20/],
		["a known disk that shrank", known("va", 10), disk("va", 5, TRACKED), "resync", /resized from 10 to 5/],
		["a known disk whose record is lost", known("va", 10), disk("va", 10, LOST), "resync", /umbra-a is gone/],
		["a resized disk whose record is lost", known("va", 10), disk("va", 20, LOST), "resync", /umbra-a is gone/],
	] as const) {
		it(`is ${mode} for ${what}`, () => {
			const found_ = captureMode(state, found);
			assert.equal(found_.mode, mode);
			assert.match(found_.reason, reason);
		});
	}
});

describe("loadVmState", () => {
	it("gives back what was stored, for any name", async () => {
		await using temp = await tempFolder();
		const db: AgentDb = new ClassicLevel(temp.path, { keyEncoding: "view", valueEncoding: "view" });
		await using _ = { [Symbol.asyncDispose]: () => db.close() };
		assert.equal((await loadVmState(db, "web")).headId, "");
		for (const name of ["web", "web/1", "Wéb ✓", "a%2Fb"]) {
			await db.batch([vmStateOperation(name, known(name, 7))]);
		}
		for (const name of ["web", "web/1", "Wéb ✓", "a%2Fb"]) {
			const { headId, headTime, disks } = await loadVmState(db, name);
			assert.deepEqual({ headId, headTime, disks: { ...disks } }, known(name, 7));
		}
	});

	it("does not take the words of JavaScript for known disks", async () => {
		await using temp = await tempFolder();
		const db: AgentDb = new ClassicLevel(temp.path, { keyEncoding: "view", valueEncoding: "view" });
		await using _ = { [Symbol.asyncDispose]: () => db.close() };
		await db.batch([vmStateOperation("web", known("va", 7))]);
		const state = await loadVmState(db, "web");
		for (const id of ["constructor", "toString", "__proto__"]) {
			assert.equal(captureMode(state, disk(id, 7, LOST)).mode, "first", id);
			assert.equal(state.disks[id]?.token, undefined);
		}
	});

	for (const [what, text] of [
		["no JSON", "{"],
		["another shape", '{"headId": 1}'],
		["a key of another version", '{"headId": "", "headTime": "0", "disks": {}, "more": 1}'],
	] as const) {
		it(`refuses ${what} as corrupt, with what to do`, async () => {
			await using temp = await tempFolder();
			const db: AgentDb = new ClassicLevel(temp.path, { keyEncoding: "view", valueEncoding: "view" });
			await using _ = { [Symbol.asyncDispose]: () => db.close() };
			const { key } = vmStateOperation("web", NEW_VM);
			await db.put(key as Uint8Array, Buffer.from(text));
			await assert.rejects(
				loadVmState(db, "web"),
				(error) => isUmbraError(error, "corrupt") && error.hint !== undefined,
			);
		});
	}
});
