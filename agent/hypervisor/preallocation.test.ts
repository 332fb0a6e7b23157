import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { needs } from "../../test/support/requires.ts";
import { memoryToLeave } from "./preallocation.ts";
import type { QmpClient } from "./qmp.ts";
import { BareQemu } from "./testing.ts";

const GIB = 2 ** 30;

/** Stands in for a machine of 2 GiB whose guest has a driver for its balloon; a text is why QEMU does not tell. */
function machine(told: number | string): QmpClient {
	const execute = async (): Promise<unknown> => {
		if (typeof told === "number") return { actual: told };
		throw new UmbraError("unavailable", "QEMU refused query-balloon", { context: { class: told } });
	};
	return { execute, closed: new AbortController().signal } as unknown as QmpClient;
}

describe("memoryToLeave", () => {
	it("is all of it unless told otherwise, and less where an operator wants RAM preallocated", async () => {
		assert.equal(await memoryToLeave(machine(2 * GIB), 2 * GIB), 1);
		assert.equal(await memoryToLeave(machine(2 * GIB), 2 * GIB, false), 1);
		assert.equal(await memoryToLeave(machine(GIB), 2 * GIB, true), 0.1);
	});

	it("is half where nobody said, but all of it where a balloon holds some of the machine's", async () => {
		assert.equal(await memoryToLeave(machine(2 * GIB), 2 * GIB, "auto"), 0.5);
		assert.equal(await memoryToLeave(machine(2 * GIB - 1), 2 * GIB, "auto"), 1);
		assert.equal(await memoryToLeave(machine("DeviceNotActive"), 2 * GIB, "auto"), 0.5);
		assert.equal(await memoryToLeave(machine("GenericError"), 2 * GIB, "auto"), 1);
	});

	it("understands a real machine's answers, with a balloon and without", needs("qemu-system-x86_64"), async () => {
		for (const args of [[], ["-device", "virtio-balloon-pci"]]) {
			await using qemu = await BareQemu.start(async () => args);
			assert.equal(await memoryToLeave(qemu.monitor, 32 * 2 ** 20, "auto"), 0.5, args.join(" "));
		}
	});
});
