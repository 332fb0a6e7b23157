import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AlertRecord, ChangesetRecord, Severity, TriggerHit, Verdict } from "../catalog/records.ts";
import { alertsFor, QUIET_CHANGESETS } from "./alerts.ts";

function changesetAt(second: number, part: Partial<ChangesetRecord> = {}): ChangesetRecord {
	return {
		id: `c${second}`,
		baseId: "",
		vm: "web-1",
		vmUuid: "",
		agentId: "a",
		host: "host-1",
		sequence: String(second),
		time: (BigInt(1_795_000_000 + second) * 1_000_000_000n).toString(),
		consistency: "crash",
		captureMs: 1,
		pauseMs: 1,
		disks: [],
		fileCount: 12,
		verdict: null,
		...part,
	};
}

function hit(part: Partial<TriggerHit> = {}): TriggerHit {
	return {
		trigger: "mass-rewrite",
		severity: "critical",
		summary: "12 documents gone.",
		files: ["/a/1", "/a/2"],
		fileCount: 2,
		features: { documents: 2 },
		...part,
	};
}

function verdictOf(triggers: readonly TriggerHit[], part: Partial<Verdict> = {}): Verdict {
	const severity = triggers.some((item) => item.severity === "critical")
		? "critical"
		: triggers.some((item) => item.severity === "warning")
			? "warning"
			: "info";
	return {
		score: 0.1,
		severity,
		learning: false,
		features: { filesDeleted: 900 },
		contributions: [],
		files: ["/x"],
		triggers,
		...part,
	};
}

const abnormal = (severity: Severity, triggers: readonly TriggerHit[] = []) =>
	verdictOf(triggers, {
		score: 0.95,
		severity,
		contributions: [{ feature: "filesDeleted", value: 900, expected: 1.5, deviation: 12 }],
	});

/** A VM's alerts as the catalog would hold them. */
class Desk {
	readonly alerts = new Map<string, AlertRecord>();
	#ids = 0;

	take(second: number, verdict: Verdict, part: Partial<ChangesetRecord> = {}): AlertRecord[] {
		const changed = alertsFor({
			changeset: changesetAt(second, part),
			verdict,
			firing: [...this.alerts.values()].filter((alert) => alert.state === "firing"),
			id: () => `alert-${++this.#ids}`,
			now: "1795000000123456789",
			targets: ["noc", "chat"],
		});
		for (const alert of changed) this.alerts.set(alert.id, alert);
		return changed;
	}

	deliverAll(): void {
		for (const alert of this.alerts.values()) this.alerts.set(alert.id, { ...alert, undelivered: [] });
	}
}

describe("alertsFor", () => {
	it("raises one alert for each trigger hit, with all that an operator needs", () => {
		const [alert, other, ...rest] = new Desk().take(
			60,
			verdictOf([hit(), hit({ trigger: "log-cleared", severity: "warning" })]),
		);
		assert.deepEqual(rest, []);
		assert.equal(other?.cause, "log-cleared");
		assert.deepEqual(
			{ ...alert, mitigation: "" },
			{
				id: "alert-1",
				vm: "web-1",
				host: "host-1",
				time: "1795000000123456789",
				changesetId: "c60",
				changesetTime: changesetAt(60).time,
				state: "firing",
				severity: "critical",
				cause: "mass-rewrite",
				summary: "web-1: 12 documents gone.",
				score: 0.1,
				files: ["/a/1", "/a/2"],
				fileCount: 2,
				contributions: [],
				features: { documents: 2 },
				mitigation: "",
				count: 1,
				lastSeen: changesetAt(60).time,
				quiet: 0,
				resolvedTime: null,
				undelivered: ["noc", "chat"],
			},
		);
		assert.match(alert?.mitigation ?? "", /^Cut web-1 off the network/);
		assert.match(alert?.mitigation ?? "", /umbra changes web-1 --since 2026-\d\d-\d\dT/);
	});

	it("raises nothing for information and for ordinary changesets", () => {
		assert.deepEqual(new Desk().take(60, verdictOf([])), []);
		assert.deepEqual(new Desk().take(60, verdictOf([hit({ severity: "info" })])), []);
		assert.deepEqual(new Desk().take(60, abnormal("info")), []);
	});

	it("raises an anomaly where no trigger explains it, and says how far from usual", () => {
		const [alert] = new Desk().take(60, abnormal("warning"));
		assert.equal(alert?.cause, "anomaly");
		assert.equal(alert?.severity, "warning");
		assert.equal(
			alert?.summary,
			"web-1: its disks change as they never did (score 0.95, 12 files changed): 900 files deleted a minute (usually 1.5). Look at: /x.",
		);
		assert.deepEqual(
			new Desk().take(60, abnormal("critical", [hit()])).map((item) => item.cause),
			["mass-rewrite"],
		);
	});

	it("takes a package run for the reason of a warning, not of what is critical", () => {
		const run = hit({ trigger: "critical-file", severity: "info" });
		assert.deepEqual(new Desk().take(60, abnormal("warning", [run])), []);
		assert.deepEqual(
			new Desk().take(60, abnormal("critical", [run])).map((item) => item.cause),
			["anomaly"],
		);
	});

	it("continues what goes on, tells nobody again, and merges the files", () => {
		const desk = new Desk();
		desk.take(60, verdictOf([hit()]));
		desk.deliverAll();
		const [alert, ...rest] = desk.take(
			120,
			verdictOf([hit({ files: ["/a/2", "/a/3"], fileCount: 2, summary: "More." })], { score: 0.8 }),
		);
		assert.deepEqual(rest, []);
		assert.equal(alert?.id, "alert-1");
		assert.equal(alert?.count, 2);
		assert.equal(alert?.lastSeen, changesetAt(120).time);
		assert.equal(alert?.changesetTime, changesetAt(60).time);
		assert.deepEqual([...(alert?.files ?? [])].sort(), ["/a/1", "/a/2", "/a/3"]);
		assert.equal(alert?.fileCount, 3);
		assert.equal(alert?.score, 0.8);
		assert.deepEqual(alert?.undelivered, []);
	});

	it("tells again when it grows worse, and never makes it better", () => {
		const desk = new Desk();
		desk.take(60, verdictOf([hit({ severity: "warning" })]));
		desk.deliverAll();
		const [worse] = desk.take(120, verdictOf([hit({ severity: "critical", summary: "Worse." })]));
		assert.equal(worse?.severity, "critical");
		assert.equal(worse?.summary, "web-1: Worse.");
		assert.deepEqual(worse?.undelivered, ["noc", "chat"]);
		const [milder] = desk.take(180, verdictOf([hit({ severity: "warning", summary: "Milder." })]));
		assert.equal(milder?.severity, "critical");
		assert.equal(milder?.summary, "web-1: Worse.");
	});

	it("resolves after three quiet changesets, counted anew after each occurrence", () => {
		const desk = new Desk();
		desk.take(0, verdictOf([hit()]));
		desk.take(1, verdictOf([]));
		desk.take(2, verdictOf([hit()]));
		desk.deliverAll();
		for (let at = 1; at < QUIET_CHANGESETS; at++) assert.equal(desk.take(10 + at, verdictOf([]))[0]?.state, "firing");
		const [resolved] = desk.take(20, verdictOf([]));
		assert.equal(resolved?.state, "resolved");
		assert.equal(resolved?.resolvedTime, changesetAt(20).time);
		assert.equal(resolved?.count, 2);
		assert.deepEqual(resolved?.undelivered, ["noc", "chat"]);
		assert.deepEqual(desk.take(21, verdictOf([])), []);
		assert.equal(desk.take(22, verdictOf([hit()]))[0]?.id, "alert-2");
	});

	it("keeps VMs and causes apart", () => {
		const desk = new Desk();
		desk.take(60, verdictOf([hit()]));
		assert.deepEqual(
			desk.take(120, verdictOf([hit()]), { vm: "db-1" }).map((alert) => [alert.id, alert.vm]),
			[["alert-2", "db-1"]],
		);
		const changed = desk.take(180, verdictOf([hit({ trigger: "log-growth", severity: "warning" })]));
		assert.deepEqual(
			changed.map((alert) => [alert.cause, alert.quiet, alert.count]),
			[
				["mass-rewrite", 1, 1],
				["log-growth", 0, 1],
			],
		);
	});

	it("keeps at most fifty names and counts the rest", () => {
		const desk = new Desk();
		const files = (from: number) => Array.from({ length: 50 }, (_, at) => `/f/${from + at}`);
		desk.take(60, verdictOf([hit({ files: files(0), fileCount: 200 })]));
		const [alert] = desk.take(120, verdictOf([hit({ files: files(500), fileCount: 90 })]));
		assert.equal(alert?.files.length, 50);
		assert.equal(alert?.fileCount, 200);
	});

	it("quotes names that a shell would read", () => {
		const [alert] = new Desk().take(60, verdictOf([hit()]), { vm: "x; rm -rf '/'" });
		assert.ok(alert?.mitigation.includes("umbra points 'x; rm -rf '\\''/'\\'''"), alert?.mitigation);
	});
});
