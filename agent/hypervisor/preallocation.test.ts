import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { needs } from "../../test/support/requires.ts";
import { memoryToLeave } from "./preallocation.ts";
import type { QmpClient } from "./qmp.ts";
import { BareQemu } from "./testing.ts";

const GIB = 2 ** 30;

/** Stands in for a machine whose guest has a driver for its balloon. */
function machine(actual: number | undefined): QmpClient {
	const answers: Readonly<Record<string, unknown>> = {
		"query-balloon": actual === undefined ? undefined : { actual },
		"query-memory-size-summary": { "base-memory": GIB, "plugged-memory": GIB },
	};
	const execute = async (command: string): Promise<unknown> => {
		if (answers[command] === undefined) throw new UmbraError("unsupported", "No balloon device has been activated");
		return answers[command];
	};
	return { execute, closed: new AbortController().signal } as unknown as QmpClient;
}

describe("memoryToLeave", () => {
	it("is all of it unless told otherwise, and less where an operator wants RAM preallocated", async () => {
		assert.equal(await memoryToLeave(machine(2 * GIB)), 1);
		assert.equal(await memoryToLeave(machine(2 * GIB), false), 1);
		assert.equal(await memoryToLeave(machine(GIB), true), 0.1);
	});

	it("is half where nobody said, but all of it where a balloon holds some of the machine's", async () => {
		assert.equal(await memoryToLeave(machine(2 * GIB), "auto"), 0.5);
		assert.equal(await memoryToLeave(machine(2 * GIB - 1), "auto"), 1);
		assert.equal(await memoryToLeave(machine(undefined), "auto"), 0.5);
	});

	it("understands a real machine's answers, with a balloon and without", needs("qemu-system-x86_64"), async () => {
		for (const args of [[], ["-device", "virtio-balloon-pci"]]) {
			await using qemu = await BareQemu.start(async () => args);
			assert.equal(await memoryToLeave(qemu.monitor, "auto"), 0.5, args.join(" "));
		}
	});
});
