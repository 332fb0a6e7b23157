import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AlertRecord, ChangesetRecord } from "../catalog/records.ts";
import { alertsFor, QUIET_CHANGESETS } from "./alerts.ts";
import { type DamageAlertInput, damageAlert } from "./damage.ts";

const place = { vm: "web", time: "1795000000000000000", disk: "vda", firstBlock: 7, count: 1 };

function input(more: Partial<DamageAlertInput> = {}): DamageAlertInput {
	const damage = { chunks: 2, places: [place], files: ["/var/lib/db"] };
	const none = { changeset: undefined, firing: [], id: () => "a1", now: "1795000001000000000", targets: ["noc"] };
	return { vm: "web", damage, isHead: false, ...none, ...more };
}

describe("damageAlert", () => {
	it("is raised with what is damaged, says nothing anew of the same, gets worse, and is resolved", () => {
		const raised = damageAlert(input())!;
		assert.deepEqual(
			[raised.state, raised.severity, raised.cause, raised.files, raised.undelivered, raised.changesetTime],
			["firing", "warning", "vault-damage", ["/var/lib/db"], ["noc"], place.time],
		);
		assert.match(raised.summary, /^web: .*2 chunks.*vda of 2026-/);
		const told = { ...raised, undelivered: [] };
		assert.equal(damageAlert(input({ firing: [told] })), undefined);
		const worse = damageAlert(input({ firing: [told], isHead: true }));
		assert.deepEqual([worse?.id, worse?.severity, worse?.undelivered], ["a1", "critical", ["noc"]]);
		const fewer = { chunks: 1, places: [place], files: [] };
		assert.deepEqual(damageAlert(input({ firing: [told], damage: fewer }))?.undelivered, [], "that is no news");
		const over = damageAlert(input({ firing: [told], damage: null }));
		assert.deepEqual([over?.state, over?.resolvedTime, over?.undelivered], ["resolved", input().now, ["noc"]]);
		assert.equal(damageAlert(input({ damage: null })), undefined);
	});

	it("does not fade as changesets without it come", () => {
		let firing: AlertRecord[] = [damageAlert(input())!];
		for (let at = 1; at <= QUIET_CHANGESETS + 1; at++) {
			const time = (BigInt(place.time) + BigInt(at) * 60_000_000_000n).toString();
			const changeset = {
				id: `c${at}`,
				vm: "web",
				host: "h",
				time,
				fileCount: 0,
				disks: [],
			} as unknown as ChangesetRecord;
			const told = { score: 0, severity: "info", learning: false, features: {}, contributions: [] } as const;
			const verdict = { ...told, files: [], triggers: [] };
			const changed = alertsFor({ changeset, verdict, firing, id: () => "x", now: time, targets: [] });
			assert.deepEqual(changed, []);
			firing = [...firing];
		}
	});
});
