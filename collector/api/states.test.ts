import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BLOCK_SIZE, blockName, NAME_SIZE, ZERO_NAME } from "../../common/block.ts";
import { toLong, v1, type wire } from "../../proto/service.ts";
import { rawChunk, TestVm } from "../ingest/test-agent.ts";
import { openSite } from "./testing.ts";

const { STATE_PART_RAM: RAM, STATE_PART_DEVICES: DEVICES, STATE_PART_CONFIGURATION: TOLD } = v1.StatePartKind;
const CONFIGURATION = Buffer.alloc(BLOCK_SIZE);
const configurationBytes = CONFIGURATION.write('{"version":1}');

const state = (overrides: wire.v1.MachineState.$Properties = {}): wire.v1.MachineState.$Properties => ({
	parts: [
		{ part: RAM, sizeBytes: toLong(3 * BLOCK_SIZE) },
		{ part: DEVICES, sizeBytes: toLong(100) },
		{ part: TOLD, sizeBytes: toLong(configurationBytes) },
	],
	machineType: "pc-i440fx-7.2",
	hypervisor: "QEMU 7.2.22",
	memoryBytes: toLong(2 ** 29),
	cpus: 2,
	streamBytes: toLong(12345),
	...overrides,
});

describe("/v1/vms/:vm/states", () => {
	it("gives the newest state at a time and the bytes of its parts", async () => {
		await using site = await openSite();
		const { agent, json, request } = site;
		const vm = new TestVm("web", { vda: 2 });
		vm.write("vda", 0, Buffer.alloc(BLOCK_SIZE, 1));
		await vm.capture(agent);
		assert.equal((await request("/v1/vms/web/states/latest")).status, 404);
		assert.equal((await request("/v1/vms/none/states/latest")).status, 404);

		const [ram, devices] = [Buffer.alloc(BLOCK_SIZE, 2), Buffer.alloc(BLOCK_SIZE)];
		devices.fill(3, 0, 100);
		const run = (part: wire.v1.StatePartKind, firstBlock: number, ...blocks: Buffer[]) => ({
			blocks: { part, firstBlock: toLong(firstBlock), names: Buffer.concat(blocks.map(blockName)) },
		});
		const runs = [run(RAM, 1, ram), run(DEVICES, 0, devices), run(TOLD, 0, CONFIGURATION)];
		const header = vm.header({ state: state() });
		const parts = [{ header }, ...vm.runs(), ...runs];
		// What it names has to be there.
		const early = await agent.submit(parts);
		assert.equal(early.status, v1.SubmitStatus.SUBMIT_STATUS_MISSING);
		assert.equal(early.missing?.length, 3 * NAME_SIZE);
		await agent.upload([ram, devices, CONFIGURATION].map(rawChunk));
		assert.equal((await agent.submit(parts)).status, v1.SubmitStatus.SUBMIT_STATUS_ACCEPTED);
		vm.baseId = header.id ?? "";
		await vm.capture(agent);

		const listed = await json("/v1/vms/web/points?state=1");
		assert.equal(listed.items.length, 1);
		const found = await json("/v1/vms/web/states/latest");
		assert.equal(found.time, listed.items[0].time);
		assert.deepEqual(found.configuration, { version: 1 });
		assert.deepEqual(found.state, listed.items[0].state);
		assert.deepEqual(
			[found.state.memoryBytes, found.state.cpus, found.state.machineType],
			[2 ** 29, 2, "pc-i440fx-7.2"],
		);
		assert.equal(found.state.parts.ram.sizeBytes, 3 * BLOCK_SIZE);
		const data = async (part: string) => {
			const response = await request(`/v1/vms/web/states/${found.time}/${part}/data`);
			assert.equal(response.status, 200);
			return Buffer.from(await response.arrayBuffer());
		};
		const zeroes = Buffer.alloc(BLOCK_SIZE);
		assert.ok((await data("ram")).equals(Buffer.concat([zeroes, ram, zeroes])));
		assert.ok((await data("devices")).equals(devices.subarray(0, 100)));
		const ids = ["getState 200", "readState 200"];
		assert.deepEqual(
			ids.filter((id) => !site.conformance.seen.has(id)),
			[],
		);
		assert.equal((await request("/v1/vms/web/states/latest/floppy/data")).status, 400);
	});

	const malformed: readonly (readonly [string, wire.v1.MachineState.$Properties, RegExp])[] = [
		[
			"without devices",
			state({ parts: [{ part: RAM, sizeBytes: toLong(1) }] }),
			/^state\.parts: "ram"; wanted ram, devices/,
		],
		[
			"with a part twice",
			state({ parts: [{ part: RAM }, { part: RAM }] }),
			/^state\.parts\[1\]\.part: "ram"; wanted each part once/,
		],
		["with a part of no kind", state({ parts: [{}] }), /^state\.parts\[0\]\.part: 0; wanted 1 \(RAM\)/],
		[
			"with a configuration beyond bounds",
			state({ parts: [{ part: TOLD, sizeBytes: toLong(2 ** 30) }] }),
			/^state\.parts\[0\]\.size_bytes: 1073741824; wanted at most 4194304/,
		],
	];
	it("is of no state that is malformed", async () => {
		await using site = await openSite();
		const vm = new TestVm("web");
		for (const [what, broken, message] of malformed) {
			const result = await site.agent.submit(vm.parts({ state: broken }));
			assert.equal(result.status, v1.SubmitStatus.SUBMIT_STATUS_REFUSED, what);
			assert.match(result.message ?? "", message);
		}
		const stray = { blocks: { part: RAM, firstBlock: toLong(0), names: ZERO_NAME } };
		const refused = await site.agent.submit([...vm.parts(), stray]);
		assert.match(refused.message ?? "", /^blocks\.part: 1; wanted a part of the header's state/);
	});
});
