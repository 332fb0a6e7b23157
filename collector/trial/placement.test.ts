import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AgentStatus, TrialCapacity } from "../ingest/heartbeat.ts";
import { chooseAgent } from "./placement.ts";

const GIB = 2 ** 30;

function agentOf(id: string, trials: Partial<TrialCapacity> | null, stale = false): AgentStatus {
	const capacity = { slots: 4, usedSlots: 0, memoryBytes: 8 * GIB, reservedBytes: 0, ...trials };
	const heartbeat = { trials: trials === null ? null : capacity } as AgentStatus["heartbeat"];
	return { id, host: `host-${id}`, stale, heartbeat } as AgentStatus;
}

function choose(
	agents: readonly AgentStatus[],
	{ agent, busy = [] }: { readonly agent?: string; readonly busy?: readonly string[] } = {},
): string {
	return chooseAgent(agents, { agent, memoryBytes: 2 * GIB, isBusy: (id) => busy.includes(id) }).id;
}

describe("chooseAgent", () => {
	it("leaves out who has slots and not the memory for one clone", () => {
		const small = agentOf("a", { slots: 64, memoryBytes: 2 * GIB - 1 });
		const taken = agentOf("b", { slots: 64, reservedBytes: 7 * GIB });
		assert.equal(choose([small, taken, agentOf("c", { slots: 1 })], { busy: ["b"] }), "c");
	});

	it("prefers room for more clones, by slots and by memory, then more slots", () => {
		const manySlots = agentOf("a", { slots: 64, memoryBytes: 4 * GIB });
		const muchMemory = agentOf("b", { slots: 1, memoryBytes: 64 * GIB });
		const both = agentOf("c", { slots: 3, memoryBytes: 6 * GIB });
		assert.equal(choose([manySlots, muchMemory, both]), "c");
		assert.equal(choose([agentOf("a", { slots: 5, memoryBytes: 6 * GIB }), both]), "a", "as many clones, more slots");
		const used = agentOf("d", { slots: 8, usedSlots: 7, reservedBytes: 2 * GIB });
		assert.equal(choose([used, manySlots], { busy: ["d"] }), "a", "what is taken is not there");
	});

	it("takes what an agent that runs nothing says is reserved for what has ended since", () => {
		const ended = agentOf("a", { usedSlots: 4, reservedBytes: 8 * GIB });
		assert.equal(choose([ended]), "a");
		assert.equal(choose([ended, agentOf("b", { slots: 1 })]), "b", "who surely has room comes first");
	});

	it("says what each lacks where none has room", () => {
		const agents = [agentOf("a", { memoryBytes: GIB }), agentOf("b", { reservedBytes: 7 * GIB })];
		assert.throws(() => choose(agents, { busy: ["b"] }), {
			code: "unavailable",
			message:
				/the 2\.0 GiB of memory .*: host-a lacks 1\.0 GiB \(1\.0 GiB of the 1\.0 GiB for trials are left\); host-b lacks 1\.0 GiB \(1\.0 GiB of the 8\.0 GiB/,
		});
		assert.throws(() => choose(agents, { agent: "host-a", busy: ["b"] }), { message: /need: host-a lacks [^;]*$/ });
	});

	it("passes over who is silent, who takes none, and who was not named", () => {
		const agents = [agentOf("a", {}, true), agentOf("b", null), agentOf("c", { slots: 1 }), agentOf("d", {})];
		assert.equal(choose(agents), "d");
		assert.equal(choose(agents, { agent: "c" }), "c");
		assert.equal(choose(agents, { agent: "host-c" }), "c");
		assert.throws(() => choose(agents, { agent: "b" }), { code: "unavailable", message: /no connected agent b takes/ });
	});
});
