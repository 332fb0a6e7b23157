/** Every statement of every dashboard and rule, asked of a real InfluxDB that holds a recorded run. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Point } from "../common/measurements/measurements.ts";
import { Influx } from "../test/support/influx.ts";
import { needs } from "../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../test/support/temp.ts";
import type { ProvisionedRule } from "./alerting/file.ts";
import { rules } from "./alerting/rules.ts";
import { dashboards } from "./dashboards/all.ts";
import { DASHBOARDS, type DashboardName } from "./names.ts";
import { grafanaSettings } from "./settings.ts";
import { assertRecorded } from "./testing/answers.ts";
import {
	ask,
	type Chosen,
	evaluate,
	type Frame,
	framesOf,
	type Instance,
	milliseconds,
	type Row,
	rowsOf,
	stepMs,
	type TimeRange,
	transformed,
	withMacros,
	withVariables,
} from "./testing/grafana.ts";
import {
	ALIKE,
	BAD,
	CHANGED_FILES,
	COUNTER_RATE,
	END_MS,
	GOOD,
	INCIDENT_MS,
	LATE,
	lineOf,
	MACHINES,
	recorded,
	recordedRun,
	SILENT_HOST,
} from "./testing/recorded-run.ts";

const DATABASE = "umbra";
/** InfluxDB takes a request of at most 25 MB. */
const LINES_A_WRITE = 10_000;
const settings = grafanaSettings.parse({});
const ALL_DASHBOARDS = dashboards(settings);
const ALL_RULES = rules(settings, []).groups.flatMap((group) => group.rules);

/** What is chosen: nothing, one VM, several. */
const CHOICES: Readonly<Record<string, Chosen>> = {
	all: { host: "$__all", vm: "$__all", disk: "$__all" },
	one: { host: [BAD.host], vm: [BAD.vm], disk: ["vda"] },
	several: { host: [GOOD.host, LATE.host], vm: [GOOD.vm, LATE.vm], disk: ["vda", "vdb"] },
};
/** What only the sick VM has, and what only another one has. */
const OF_THE_SICK =
	/^(Firing alerts|Predicted failures|Trigger|Abnormal|Probability|Hours to|Confidence|Alerts|Controls that failed)/;
/** What is reckoned from several fields; its value is judged below. */
const RECKONED = /^Agents silent/;
const OF_ANOTHER = /^Controls that failed/;

interface Target {
	readonly query: string;
	readonly resultFormat: "time_series" | "table";
}

let folder: TempFolder;
let influx: Influx;
let points: Point[];

describe("statements", needs("influxd"), () => {
	before(async () => {
		folder = await tempFolder();
		influx = await Influx.start(folder.path);
		points = recordedRun();
		await influx.query(`CREATE DATABASE ${DATABASE}`);
		for (let start = 0; start < points.length; start += LINES_A_WRITE) {
			const body = points
				.slice(start, start + LINES_A_WRITE)
				.map(lineOf)
				.join("\n");
			const response = await fetch(`${influx.url}/write?db=${DATABASE}`, { method: "POST", body });
			assert.equal(response.status, 204, await response.text());
		}
	});
	after(async () => {
		await influx?.[Symbol.asyncDispose]();
		await folder?.[Symbol.asyncDispose]();
	});

	for (const dashboard of ALL_DASHBOARDS) {
		describe(dashboard.title ?? "", () => {
			for (const panel of panelsOf(dashboard)) {
				it(`answers "${panel.title}" for all VMs, one, and several, with what was recorded`, async () => {
					let judged = 0;
					for (const [choice, chosen] of Object.entries(CHOICES)) {
						for (const { query } of targetsOf(panel)) {
							const series = await askPanel(query, dashboard, panel, chosen);
							const elsewhere = { all: undefined, one: OF_ANOTHER, several: OF_THE_SICK }[choice];
							if (elsewhere?.test(panel.title ?? "")) continue;
							assert.ok(series.length > 0, `${choice}: nothing for ${query}`);
							judged += assertRecorded(query, series, points);
						}
					}
					assert.ok(judged > 0 || RECKONED.test(panel.title ?? ""), "nothing of it was judged");
				});
			}
			for (const { name, query } of dashboard.templating?.list ?? []) {
				it(`lists the values of $${name}`, async () => {
					const series = await ask(influx.url, DATABASE, withVariables(String(query), CHOICES["all"]!));
					const values = series.flatMap((each) => each.values.map((row) => String(row[1])));
					const wanted = {
						host: ["kvm-1", "kvm-2"],
						vm: MACHINES.map(({ vm }) => vm),
						disk: dashboard.uid === DASHBOARDS.capacity.uid ? ["vda"] : ["vda", "vdb"],
					}[name];
					assert.deepEqual(values.toSorted(), wanted?.toSorted());
				});
			}
			for (const { name, target } of dashboard.annotations?.list ?? []) {
				it(`marks ${name} with text and tags`, async () => {
					const { query, textColumn, tagsColumn } = target as unknown as Readonly<Record<string, string>>;
					const statement = withMacros(withVariables(query!, CHOICES["one"]!), rangeOf(dashboard), 60_000);
					const marks = rowsOf(await ask(influx.url, DATABASE, statement));
					assert.ok(marks.length > 0, statement);
					for (const mark of marks) {
						assert.equal(typeof mark[textColumn!], "string");
						for (const tag of tagsColumn!.split(",")) assert.equal(typeof mark[tag], "string");
						assert.equal(mark["vm"], BAD.vm);
					}
				});
			}
		});
	}

	describe("what panels show", () => {
		it("narrows to what is chosen, whatever its name means in a regular expression", async () => {
			for (const machine of MACHINES) {
				const chosen = { host: [machine.host], vm: [machine.vm], disk: "$__all" };
				const rows = await tableOf("fleet", "VMs at risk, worst first", chosen);
				assert.deepEqual(
					rows.map((row) => row["VM"]),
					[machine.vm],
				);
			}
			const single = await tableOf("fleet", "VMs at risk, worst first", { host: GOOD.host, vm: GOOD.vm });
			assert.deepEqual(
				single.map((row) => row["VM"]),
				[GOOD.vm],
			);
		});

		it("sums the fleet up", async () => {
			assert.equal(await numberOf("fleet", "Alerts firing"), 2);
			assert.equal(await numberOf("fleet", "Highest risk"), 0.93);
			assert.equal(await numberOf("fleet", "Agents silent"), 1);
			assert.equal(await numberOf("fleet", "Furthest behind schedule"), 2400);
			assert.equal(await numberOf("fleet", "First filesystem full in"), 2);
			const changed = sum(recorded(points, "change", {}, END_MS - 24 * 3_600_000), "changed_bytes");
			assert.equal(await numberOf("fleet", "Changed in a day"), changed);
		});

		it("puts the worst VM, the silent agent and the late capture on top", async () => {
			const [worst] = await tableOf("fleet", "VMs at risk, worst first");
			assert.deepEqual(Object.keys(worst!), ["VM", "Host", "Risk", "Alerts", "Late by", "Newest point"]);
			assert.deepEqual([worst!["VM"], worst!["Host"], worst!["Risk"]], [BAD.vm, BAD.host, 0.93]);
			const [silent] = await tableOf("fleet", "Agents");
			assert.deepEqual([silent!["Host"], silent!["State"]], [SILENT_HOST, 0]);
			const [late] = await tableOf("fleet", "Captures late");
			assert.deepEqual([late!["VM"], late!["Late by"]], [LATE.vm, 2400]);
			const [full, next] = await tableOf("fleet", "Soonest full");
			assert.deepEqual([full!["VM"], full!["Full in"], next!["VM"]], [BAD.vm, 2, LATE.vm]);
		});

		it("shows what fires with its mitigation, and not what is resolved", async () => {
			const firing = await tableOf("anomalies", "Firing alerts, and what to do first");
			const [first] = firing;
			assert.deepEqual(
				[first!["VM"], first!["Cause"], first!["Score"], first!["What to do first"], first!["Worst files"]],
				[BAD.vm, "mass-rewrite", 0.97, "Cut it off the network", CHANGED_FILES.join(", ")],
			);
			assert.ok(!firing.some((row) => row["VM"] === GOOD.vm));
			const written = await tableOf("vm", "Alerts, and what to do first", { host: [GOOD.host], vm: [GOOD.vm] });
			assert.deepEqual(
				written.map((row) => [row["Cause"], row["State"]]),
				[["critical-file", 0]],
			);
		});

		it("adds up the files that changed most", async () => {
			const rows = await tableOf("vm", "Files that changed most", CHOICES["one"]);
			const expected = CHANGED_FILES.map((path, index) => [
				path,
				sum(
					recorded(points, "file_hot", { vm: BAD.vm, rank: `0${index + 1}` }, END_MS - milliseconds("6h")),
					"changed_bytes",
				),
			]);
			assert.deepEqual(
				rows.map((row) => [row["File"], row["Changed"]]),
				expected,
			);
			assert.deepEqual([rows[0]!["VM"], rows[0]!["Owner"], rows[0]!["Last change"]], [BAD.vm, "alice", "modified"]);
			const fleet = await tableOf("changes", "Files that changed most");
			assert.equal(fleet[0]!["VM"], BAD.vm);
			assert.equal(fleet.length, MACHINES.length * CHANGED_FILES.length);
		});

		it("shows counters as rates", async () => {
			for (const [dashboard, title] of [
				["vm", "Disk throughput"],
				["vm", "Network"],
				["host", "Disk throughput"],
				["self", "Ingest"],
			] as const) {
				const frames = await framesIn(dashboard, title, { host: "$__all", vm: [GOOD.vm], disk: ["vda"] });
				const values = frames.flatMap((frame) => frame.values);
				assert.ok(values.length > 100, `${title}: ${values.length}`);
				for (const value of values) assert.ok(Math.abs(Number(value) - COUNTER_RATE) < 1e-6, `${title}: ${value}`);
			}
		});

		it("draws a line for each VM, with labels that its links need", async () => {
			const frames = await framesIn("vm", "Processor", { host: "$__all", vm: [BAD.vm, ALIKE.vm] });
			const used = frames.filter(({ column }) => column === "used");
			assert.deepEqual(used.map(({ labels }) => labels["vm"]).toSorted(), [BAD.vm, ALIKE.vm].toSorted());
			const bad = used.find(({ labels }) => labels["vm"] === BAD.vm)!;
			assert.equal(bad.labels["host"], BAD.host);
			assert.deepEqual([...new Set(bad.values)], [90]);
		});

		it("adds up change by VM, kind and time range", async () => {
			const frames = await framesIn("changes", "Change by VM");
			for (const { host, vm } of MACHINES) {
				const frame = frames.find(({ labels }) => labels["vm"] === vm && labels["host"] === host)!;
				const total = frame.values.reduce<number>((all, value) => all + Number(value), 0);
				assert.equal(total, sum(recorded(points, "change", { vm }), "changed_bytes"));
			}
			const kinds = await framesIn("changes", "What it belongs to");
			const files = kinds.find(({ column }) => column === "files")!;
			assert.equal(
				files.values.reduce<number>((all, value) => all + Number(value), 0),
				sum(recorded(points, "change", {}), "file_bytes"),
			);
		});

		it("shows what was abnormal and what fired", async () => {
			const abnormal = await tableOf("anomalies", "Abnormal changesets");
			assert.deepEqual([...new Set(abnormal.map((row) => row["VM"]))], [BAD.vm]);
			assert.deepEqual(
				[abnormal[0]!["Score"], abnormal[0]!["Feature"], abnormal[0]!["Files that explain it"]],
				[0.95, "documentsLost", CHANGED_FILES[0]],
			);
			const fired = await tableOf("anomalies", "Triggers");
			assert.deepEqual([fired[0]!["Trigger"], fired[0]!["VM"]], ["mass-rewrite", BAD.vm]);
		});

		it("counts trials by outcome, and controls that failed", async () => {
			const trials = recorded(points, "trial", {}, END_MS - milliseconds("7d"));
			assert.equal(await numberOf("trials", "Trials ended"), trials.length);
			const failed = trials.filter(({ tags }) => tags["outcome"] === "failed");
			assert.equal(await numberOf("trials", "Failed"), failed.length);
			const controls = failed.filter(({ fields }) => fields["control"] === 1);
			assert.equal(await numberOf("trials", "Controls that failed"), controls.length);
			const [signature] = await tableOf("trials", "Signatures");
			assert.equal(signature!["Signature"], "out of memory in postgres");
			assert.equal(signature!["Times"], failed.length / MACHINES.length);
		});

		it("shows predictions that stand, and not what was taken back", async () => {
			const rows = await tableOf("predictions", "Predicted failures, and what to do first");
			assert.deepEqual(
				rows.map((row) => [row["VM"], row["Failure"], row["Probability"], row["Confidence"], row["Expected in"]]),
				[
					[BAD.vm, "oom", 0.8, 0.7, 12],
					[BAD.vm, "io-error", 0.55, 0.4, 400],
				],
			);
			assert.equal(rows[0]!["Evidence"], "prediction evidence");
		});
	});

	describe("alert rules", () => {
		it("fire on the sick VM and host, and on no other", async () => {
			const firing = new Map<string, string[]>();
			for (const rule of ALL_RULES) {
				const instances = await evaluate(rule, END_MS, influx.url, DATABASE);
				firing.set(
					rule.uid,
					instances
						.filter((each) => each.firing)
						.map(subject)
						.toSorted(),
				);
			}
			const collector = ["umbra"];
			assert.deepEqual(Object.fromEntries(firing), {
				"umbra-anomaly-critical": [`${BAD.vm} anomaly`],
				"umbra-anomaly-warning": [`${BAD.vm} anomaly`],
				"umbra-trigger-critical": [`${BAD.vm} mass-rewrite`],
				"umbra-trigger-warning": [`${LATE.vm} log-cleared`, `${BAD.vm} log-growth`],
				"umbra-vault-damage-critical": [`${BAD.vm} vault-damage`],
				"umbra-vault-damage-warning": [`${LATE.vm} vault-damage`],
				"umbra-predicted-failure-critical": [`${BAD.vm} oom`],
				"umbra-predicted-failure-warning": [`${BAD.vm} io-error`],
				"umbra-failure-near": [`${BAD.vm} oom`],
				"umbra-days-to-full-critical": [`${BAD.vm} vda 1`],
				"umbra-days-to-full-warning": [`${LATE.vm} vda 1`, `${BAD.vm} vda 1`],
				// By silence alone, which this is not.
				"umbra-collector-silent": [],
				"umbra-agent-silent": [SILENT_HOST],
				"umbra-capture-late": [LATE.vm],
				"umbra-spool-filling": [SILENT_HOST],
				"umbra-spool-full": [SILENT_HOST],
				"umbra-write-failures": collector,
				"umbra-points-refused": collector,
				"umbra-series-backlog": collector,
				"umbra-collector-disk-critical": collector,
				"umbra-collector-disk-warning": collector,
			});
		});

		it("are quiet while all is well, and see the healthy VMs then", async () => {
			for (const rule of ALL_RULES) {
				const instances = await evaluate(rule, INCIDENT_MS, influx.url, DATABASE);
				assert.deepEqual(
					instances.filter((each) => each.firing),
					[],
					rule.uid,
				);
			}
			const late = await evaluate(ruleOf("umbra-capture-late"), INCIDENT_MS, influx.url, DATABASE);
			assert.equal(late.length, MACHINES.length);
		});

		it("have the numbers that their texts tell, and do without those that were not written", async () => {
			const [predicted] = await evaluate(ruleOf("umbra-predicted-failure-critical"), END_MS, influx.url, DATABASE).then(
				(all) => all.filter((each) => each.firing),
			);
			assert.deepEqual([predicted!.values["E"], predicted!.values["G"], predicted!.values["I"]], [0.8, 0.7, 12]);
			const triggered = await evaluate(ruleOf("umbra-trigger-warning"), END_MS, influx.url, DATABASE);
			const bare = triggered.find((each) => each.labels["cause"] === "log-cleared")!;
			assert.ok(bare.firing);
			assert.ok(Number.isNaN(bare.values["E"]));
			const whole = triggered.find((each) => each.labels["cause"] === "log-growth")!;
			assert.equal(whole.values["E"], 0.6);
		});

		it("has no data when the collector says nothing, which is what that rule fires on", async () => {
			const rule = ruleOf("umbra-collector-silent");
			const silence = END_MS + 3_600_000;
			assert.deepEqual(await evaluate(rule, silence, influx.url, DATABASE), []);
			assert.equal(rule.noDataState, "Alerting");
			assert.equal((await evaluate(rule, END_MS, influx.url, DATABASE)).length, 1);
		});
	});
});

function panelsOf(dashboard: Dashboard): Panel[] {
	return (dashboard.panels ?? []).filter((panel): panel is Panel => "targets" in panel);
}

function targetsOf(panel: Panel): Target[] {
	return (panel.targets ?? []) as unknown as Target[];
}

function rangeOf(dashboard: Dashboard, last?: string): TimeRange {
	const from = last ?? dashboard.time?.from.replace("now-", "") ?? "";
	return { fromMs: END_MS - milliseconds(from), toMs: END_MS };
}

async function askPanel(query: string, dashboard: Dashboard, panel: Panel, chosen: Chosen) {
	const range = rangeOf(dashboard, panel.timeFrom);
	const step = stepMs(range, panel.interval ?? settings.influx.interval);
	return await ask(influx.url, DATABASE, withMacros(withVariables(query, chosen), range, step));
}

function find(name: DashboardName, title: string): [Dashboard, Panel] {
	const dashboard = ALL_DASHBOARDS.find(({ uid }) => uid === DASHBOARDS[name].uid)!;
	const panel = panelsOf(dashboard).find((each) => each.title === title);
	assert.ok(panel, `${name} has no panel "${title}"`);
	return [dashboard, panel];
}

async function framesIn(name: DashboardName, title: string, chosen: Chosen = CHOICES["all"]!): Promise<Frame[]> {
	const [dashboard, panel] = find(name, title);
	const frames: Frame[] = [];
	for (const { query } of targetsOf(panel)) frames.push(...framesOf(await askPanel(query, dashboard, panel, chosen)));
	return frames;
}

async function numberOf(name: DashboardName, title: string): Promise<number> {
	const [frame, another] = await framesIn(name, title);
	assert.equal(another, undefined, `${title} shows more than one number`);
	return Number(frame!.values.at(-1));
}

async function tableOf(name: DashboardName, title: string, chosen: Chosen = CHOICES["all"]!): Promise<Row[]> {
	const [dashboard, panel] = find(name, title);
	const [target] = targetsOf(panel);
	const narrowed = { ...CHOICES["all"], ...chosen };
	const rows = rowsOf(await askPanel(target!.query, dashboard, panel, narrowed));
	return transformed(rows, panel.transformations ?? []);
}

function sum(of: readonly Point[], field: string): number {
	return of.reduce((total, { fields }) => total + Number(fields[field]), 0);
}

function ruleOf(uid: string): ProvisionedRule {
	const rule = ALL_RULES.find((each) => each.uid === uid);
	assert.ok(rule, uid);
	return rule;
}

/** What an instance is about: the VM, else the host, and what else tells it apart. */
function subject({ labels }: Instance): string {
	const { host = "", vm, ...others } = labels;
	return [vm ?? host, ...Object.values(others)].join(" ");
}
