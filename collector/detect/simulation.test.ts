import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { alertsFor } from "../alert/alerts.ts";
import type { AlertRecord, FileChangeRecord, Verdict } from "../catalog/records.ts";
import { Detector } from "./detector.ts";
import { changeset, documents, fileChange, ordinary, random, ransomware } from "./test-support.ts";

const SEED = Number(process.env["SEED"] ?? 20261121);
const DAY = 1440;
const WEEK = 7 * DAY;

/** One minute in the life of a small web and file server, as its capture shows it. */
function minuteOf(next: () => number, minute: number): FileChangeRecord[] {
	const lognormal = (median: number, sigma: number) => {
		const gauss = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
		return Math.round(median * Math.exp(sigma * gauss));
	};
	const hour = (minute % DAY) / 60;
	const weekday = Math.floor(minute / DAY) % 7 < 5;
	const load = (weekday ? 1 : 0.4) * (hour > 8 && hour < 18 ? 1 : 0.25);
	const append = (path: string, bytes: number) =>
		fileChange(path, {
			sizeBefore: 10_000_000,
			sizeAfter: 10_000_000 + bytes,
			changedBytes: bytes + 4096,
			entropyBefore: 5,
			entropyAfter: 5,
		});
	const files = [
		append("/var/log/syslog", lognormal(3000, 0.8)),
		append("/var/log/nginx/access.log", lognormal(60_000 * load + 500, 0.7)),
		fileChange("/var/log/journal/a/system.journal", { sizeAfter: 2.4e7, changedBytes: lognormal(60_000, 0.5) }),
	];
	const pages = Math.floor(lognormal(40 * load + 2, 0.6));
	for (let at = 0; at < Math.min(pages, 60); at++) {
		files.push(
			fileChange(`/var/lib/postgresql/15/main/base/16384/${24_000 + Math.floor(next() * 80)}`, {
				sizeAfter: 8e7,
				changedBytes: lognormal(60_000, 0.8),
				entropyBefore: 5.1,
				entropyAfter: 5.2,
			}),
		);
	}
	const sessions = Math.floor(next() * 12 * load);
	for (let at = 0; at < sessions; at++)
		files.push(fileChange(`/var/lib/php/sessions/sess_${minute}_${at}`, { change: "created", sizeAfter: 300 }));
	if (next() < 0.25 * load) {
		for (const path of documents(1 + Math.floor(next() * 4), [next() < 0.7 ? "docx" : "txt"]))
			files.push(fileChange(path, { sizeAfter: 50_000, entropyBefore: 6.5, entropyAfter: 6.6, uid: 1000 }));
	}
	if (next() < 0.04 * load)
		files.push(
			fileChange(`/home/user1/Downloads/d${minute}.zip`, {
				change: "created",
				sizeAfter: lognormal(5e6, 1),
				entropyAfter: 7.98,
			}),
		);
	if (next() < 0.02 * load)
		files.push(fileChange(`/home/user1/Documents/plans/old-${minute}.docx`, { change: "deleted" }));
	if (minute % 5 === 0) files.push(...ordinary.databaseCheckpoint().slice(0, Math.floor(5 + next() * 20)));
	if (minute % 60 === 39)
		for (let at = 0; at < 20 + next() * 60; at++)
			files.push(fileChange(`/var/lib/php/sessions/old_${minute}_${at}`, { change: "deleted", sizeBefore: 300 }));
	if (minute % DAY === 250) {
		files.push(
			fileChange("/var/backups/shop.sql.gz", {
				sizeAfter: 2e8 + lognormal(1e6, 1),
				entropyBefore: 7.97,
				entropyAfter: 7.97,
			}),
		);
		files.push(fileChange("/var/backups/shop-8.sql.gz", { change: "deleted", sizeBefore: 2e8 }));
	}
	if (minute % DAY === 385) files.push(...ordinary.logrotate());
	if (minute % DAY === 390)
		for (let at = 0; at < 80; at++)
			files.push(fileChange(`/var/lib/apt/lists/deb_${at}`, { sizeAfter: 3e6, entropyBefore: null, entropyAfter: 5 }));
	if (minute === 2 * DAY + 395) files.push(...ordinary.aptUpgrade());
	if (minute === 3 * DAY + 600) files.push(...ordinary.gitClone());
	if (minute === 4 * DAY + 700) files.push(...ordinary.photoImport());
	return files;
}

class Vm {
	readonly alerts = new Map<string, AlertRecord>();
	readonly #states = new Map<string, string>();
	#detector: Promise<Detector>;
	#ids = 0;
	minute = 0;

	constructor() {
		this.#detector = Detector.open({ state: { get: async (key) => this.#states.get(key) } });
	}

	async capture(files: readonly FileChangeRecord[]): Promise<Verdict> {
		this.minute++;
		const record = changeset(files, this.minute * 60);
		const { verdict, state } = await (await this.#detector).judge(record, files);
		this.#states.set(state.key, state.value);
		const firing = [...this.alerts.values()].filter((alert) => alert.state === "firing");
		for (const alert of alertsFor({
			changeset: record,
			verdict,
			firing,
			id: () => `a${this.#ids++}`,
			now: record.time,
			targets: [],
		}))
			this.alerts.set(alert.id, alert);
		return verdict;
	}

	/** Alerts raised after `minute`. */
	since(minute: number): AlertRecord[] {
		const time = changeset([], minute * 60).time;
		return [...this.alerts.values()].filter((alert) => alert.changesetTime > time);
	}

	stateBytes(): number {
		return [...this.#states.values()].reduce((sum, state) => sum + state.length, 0);
	}
}

describe("a week of an ordinary VM", () => {
	it(`raises fewer than one alert, and every incident afterwards is found at once (seed ${SEED})`, async (context) => {
		const next = random(SEED);
		const vm = new Vm();
		const begin = performance.now();
		let notable = 0;
		for (let minute = 0; minute < WEEK; minute++) {
			const verdict = await vm.capture(minuteOf(next, minute));
			if (verdict.score >= 0.5) notable++;
		}
		const took = (performance.now() - begin) / WEEK;
		const raised = [...vm.alerts.values()];
		context.diagnostic(
			`${raised.length} alerts, ${notable} of ${WEEK} captures scored 0.5 or more, ${took.toFixed(2)} ms a capture, ${vm.stateBytes()} bytes of state`,
		);
		for (const alert of raised)
			context.diagnostic(`${alert.changesetTime} ${alert.severity} ${alert.cause}: ${alert.summary}`);
		assert.ok(raised.length < 1);
		assert.ok(vm.stateBytes() < 32_768);

		const incidents: readonly (readonly [string, string, (step: number) => FileChangeRecord[]])[] = [
			["ransomware", "mass-rewrite", () => ransomware.renaming(documents(40))],
			["login keys added", "critical-file", () => [fileChange("/root/.ssh/authorized_keys")]],
			[
				"a failing service filling its log",
				"log-growth",
				() => [fileChange("/srv/app/logs/app.log", { sizeBefore: 1e6, sizeAfter: 8e7, changedBytes: 8e7 })],
			],
			[
				"half the documents deleted",
				"anomaly",
				() =>
					documents(300).map((path, at) => fileChange(`${path}${at}.pdf`, { change: "deleted", sizeBefore: 30_000 })),
			],
		];
		for (const [what, cause, incident] of incidents) {
			const before = vm.minute;
			for (let step = 0; step < 2; step++) await vm.capture([...minuteOf(next, vm.minute), ...incident(step)]);
			const found = vm.since(before).filter((alert) => alert.cause === cause);
			assert.equal(found.length, 1, `${what}: ${JSON.stringify(vm.since(before).map((alert) => alert.summary))}`);
			assert.equal(found[0]?.changesetTime, changeset([], (before + 1) * 60).time, `${what}: at its first capture`);
			for (let quiet = 0; quiet < 40; quiet++) await vm.capture(minuteOf(next, vm.minute));
			assert.equal(vm.alerts.get(found[0]!.id)?.state, "resolved", what);
		}
	});
});
