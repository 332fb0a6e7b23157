import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../common/log.ts";
import { nowNs } from "../common/units.ts";
import { until } from "../test/support/wait.ts";
import type { ChangesetRecord, Verdict } from "./catalog/records.ts";
import type { AgentTable } from "./ingest/agents.ts";
import { StateOnAnomaly, type StateOnAnomalyOptions } from "./state-on-anomaly.ts";

const HOUR_MS = 3_600_000;

/** Stand-ins for the catalog, which has a state so many milliseconds old, and for the agent, which writes down its orders. */
function stage(settings: Partial<StateOnAnomalyOptions["settings"]>, ageMs?: number) {
	const orders: unknown[] = [];
	let looks = 0;
	const time = ageMs === undefined ? undefined : (nowNs() - BigInt(ageMs) * 1_000_000n).toString();
	const states = new StateOnAnomaly({
		catalog: {
			withState: async () => {
				looks++;
				return { items: time === undefined ? [] : [{ time } as ChangesetRecord], next: null } as never;
			},
		},
		agents: {
			agentOf: () => ({ id: "a" }) as ReturnType<AgentTable["agentOf"]>,
			sendOrder: async (_agent, order) => {
				orders.push(order);
				return { ok: true };
			},
		},
		settings: { onAnomaly: "critical", atMostEvery: HOUR_MS, ...settings },
		log: silentLogger(),
	});
	const judged = (severity: Verdict["severity"], vm = "web", more: Partial<ChangesetRecord> = {}) =>
		states.judged({ vm, ...more } as ChangesetRecord, { severity } as Verdict);
	return { states, orders, judged, looks: () => looks };
}

const orderOf = (vm: string) => ({ captureNow: { vm, state: true } });

describe("a state on an anomaly", () => {
	it("is captured of a VM that is as abnormal as told, once, and not of what was imported", async () => {
		const { states, orders, judged } = stage({});
		await using _states = states;
		judged("critical", "old", { imported: {} as never });
		judged("warning");
		judged("critical", "db");
		judged("critical");
		judged("critical");
		await until(() => orders.length === 2, { what: "orders" });
		assert.deepEqual(orders, [orderOf("db"), orderOf("web")]);
	});

	it("is captured from warnings on where that is wanted, and never unless it is", async () => {
		const [on, off] = [stage({ onAnomaly: "warning" }), stage({ onAnomaly: "never" })];
		await using _on = on.states;
		await using _off = off.states;
		for (const { judged } of [on, off]) {
			judged("info", "calm");
			judged("warning");
		}
		await until(() => on.orders.length > 0, { what: "an order" });
		assert.deepEqual(on.orders, [orderOf("web")]);
		assert.deepEqual([off.orders, off.looks()], [[], 0]);
	});

	it("is not captured where there is one that is young enough", async () => {
		const [young, old] = [stage({}, HOUR_MS / 2), stage({}, HOUR_MS * 2)];
		await using _young = young.states;
		await using _old = old.states;
		for (const { judged } of [young, old]) judged("critical");
		await until(() => young.looks() === 1 && old.orders.length === 1, { what: "both looked" });
		assert.deepEqual(young.orders, []);
	});
});
