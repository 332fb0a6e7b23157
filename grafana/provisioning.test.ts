/** The files that Grafana is provisioned with, as it reads them: their form, their links, and what it would expand in them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { parse } from "yaml";
import type { z } from "zod";
import { loadConfig } from "../common/config.ts";
import { definitionOf } from "../common/measurements/measurements.ts";
import { isUnexpanded } from "./alerting/expand.ts";
import {
	contactPointsFile,
	muteTimesFile,
	type Policy,
	type ProvisionedRule,
	policiesFile,
	type RulesFile,
	rulesFile,
	templatesFile,
} from "./alerting/file.ts";
import { DASHBOARDS, DATASOURCE } from "./names.ts";
import { renderFiles } from "./render.ts";
import { RETIRED_RULES } from "./retired.ts";
import { type GrafanaSettings, grafanaSettings } from "./settings.ts";
import { ALL_MEASUREMENTS } from "./testing/recorded-run.ts";

const example = await loadConfig(
	grafanaSettings,
	join(import.meta.dirname, "..", "packaging", "examples", "grafana.yaml"),
);
/** Ways in which files can be rendered. */
const RENDERINGS: Readonly<Record<string, GrafanaSettings>> = {
	"the defaults": grafanaSettings.parse({}),
	"the example": example,
	"the example with contact points in its rules": { ...example, routing: "rules" },
};
const DEFAULTS = renderFiles(RENDERINGS["the defaults"]!);

/** Names that are in bookmarks, links and silences. Add to them; a rule that goes moves to retired.ts. */
const DASHBOARD_UIDS = [
	"umbra-fleet",
	"umbra-vm",
	"umbra-host",
	"umbra-changes",
	"umbra-anomalies",
	"umbra-capacity",
	"umbra-trials",
	"umbra-predictions",
	"umbra-self",
];
const RULE_UIDS = [
	"umbra-anomaly-critical",
	"umbra-trigger-critical",
	"umbra-vault-damage-critical",
	"umbra-predicted-failure-critical",
	"umbra-anomaly-warning",
	"umbra-trigger-warning",
	"umbra-vault-damage-warning",
	"umbra-predicted-failure-warning",
	"umbra-failure-near",
	"umbra-days-to-full-critical",
	"umbra-days-to-full-warning",
	"umbra-collector-silent",
	"umbra-agent-silent",
	"umbra-capture-late",
	"umbra-spool-filling",
	"umbra-spool-full",
	"umbra-write-failures",
	"umbra-points-refused",
	"umbra-series-backlog",
	"umbra-collector-disk-critical",
	"umbra-collector-disk-warning",
];

const ALERTING: Readonly<Record<string, z.ZodType>> = {
	"umbra-rules": rulesFile,
	"umbra-contact-points": contactPointsFile,
	"umbra-policies": policiesFile,
	"umbra-mute-times": muteTimesFile,
	"umbra-templates": templatesFile,
};

describe("dashboards", () => {
	const all = dashboardsIn(DEFAULTS);

	it("have the uids that they always had", () => {
		assert.deepEqual(
			all.map(({ uid }) => uid),
			DASHBOARD_UIDS,
		);
		for (const { uid, schemaVersion } of all) {
			assert.match(uid ?? "", /^[a-zA-Z0-9_-]{1,40}$/);
			assert.equal(schemaVersion, 42);
		}
	});

	it("show something of every measurement", () => {
		const asked = all.flatMap(queriesOf).join("\n");
		for (const name of ALL_MEASUREMENTS) assert.match(asked, new RegExp(`FROM "${name}"`));
	});

	for (const dashboard of all) {
		describe(dashboard.title ?? "", () => {
			const panels = panelsOf(dashboard);

			it("says of each panel what it means, in which unit, from where, and what it shows when there is nothing", () => {
				for (const { title, description, fieldConfig, datasource, targets } of panels) {
					assert.ok((description ?? "").length > 40, `${title}: no description`);
					assert.ok(fieldConfig?.defaults.unit, `${title}: no unit`);
					assert.ok(fieldConfig?.defaults.noValue, `${title}: no text for nothing`);
					assert.deepEqual(datasource, DATASOURCE);
					for (const target of targets ?? [])
						assert.deepEqual((target as { datasource?: unknown }).datasource, DATASOURCE);
				}
			});

			it("has panels of different titles and ids, side by side without holes", () => {
				const ids = (dashboard.panels ?? []).map(({ id }) => id);
				assert.ok(ids.every((id) => id !== undefined));
				assert.equal(new Set(ids).size, ids.length);
				assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length);
				const cells = new Set<string>();
				let bottom = 0;
				for (const { gridPos } of dashboard.panels ?? []) {
					const { x, y, w, h } = gridPos!;
					bottom = Math.max(bottom, y + h);
					for (let column = x; column < x + w; column++) {
						for (let line = y; line < y + h; line++) {
							assert.ok(column < 24 && !cells.has(`${column} ${line}`), `${column} ${line} is taken`);
							cells.add(`${column} ${line}`);
						}
					}
				}
				assert.equal(cells.size, bottom * 24);
			});

			it("uses every variable that it has, and has every variable that it uses", () => {
				const statements = queriesOf(dashboard).join("\n");
				const used = new Set([...statements.matchAll(/\$([a-z]+)\b/g)].map(([, name]) => name));
				const has = (dashboard.templating?.list ?? []).map(({ name }) => name);
				assert.deepEqual([...used].toSorted(), has.toSorted());
				for (const { multi, includeAll, allValue, datasource } of dashboard.templating?.list ?? []) {
					assert.deepEqual([multi, includeAll, allValue, datasource], [true, true, ".*", DATASOURCE]);
				}
			});

			it("links to dashboards and variables that there are", () => {
				const urls = [...JSON.stringify(dashboard).matchAll(/"url":"(\/d\/[^"]+)"/g)].map(([, url]) => url!);
				assert.ok(urls.length > 0);
				for (const url of urls) checkUrl(url);
			});

			it("leads from each mention of a VM to the VM, and of a host to the host", () => {
				for (const { title, type, fieldConfig, targets } of panels) {
					if (type !== "table") continue;
					const query = String((targets?.[0] as { query?: string } | undefined)?.query);
					for (const [tag, column] of [
						["vm", "VM"],
						["host", "Host"],
					] as const) {
						if (!query.includes(`"${tag}"`)) continue;
						const shown = fieldConfig?.overrides.find(
							({ matcher }) => matcher.options === column || (tag === "host" && matcher.options === "Ran on"),
						);
						// Not a column, or only for its links.
						if (shown === undefined) continue;
						const links = shown.properties.find(({ id }) => id === "links");
						assert.ok(links, `${title}: ${column} leads nowhere`);
					}
				}
			});

			it("can be read at a glance: crosshair, time range, refresh", () => {
				assert.equal(dashboard.graphTooltip, 1);
				assert.match(dashboard.time?.from ?? "", /^now-\d+[hd]$/);
				assert.match(dashboard.refresh ?? "", /^\d+[sm]$/);
			});
		});
	}
});

for (const [title, settings] of Object.entries(RENDERINGS)) {
	describe(`alerting files of ${title}`, () => {
		const files = renderFiles(settings);
		const names = [...files.keys()].flatMap((path) => /^alerting\/(.+)\.yaml$/.exec(path)?.[1] ?? []);

		for (const name of names) {
			it(`${name} has Grafana's keys and no others`, () => {
				ALERTING[name]!.parse(parse(files.get(`alerting/${name}.yaml`)!));
			});

			it(`${name} says the same to readers of YAML 1.1 and 1.2`, () => {
				const text = files.get(`alerting/${name}.yaml`)!;
				assert.deepEqual(parse(text, { version: "1.1" }), parse(text));
			});
		}

		const { groups } = parse(files.get("alerting/umbra-rules.yaml")!) as RulesFile;
		const rules = groups.flatMap((group) => group.rules);

		it("have rules of different uids and titles", () => {
			assert.equal(new Set(rules.map(({ uid }) => uid)).size, rules.length);
			assert.equal(new Set(rules.map(({ title: each }) => each)).size, rules.length);
		});

		for (const rule of rules) {
			it(`${rule.uid} is whole: labels, texts, panels, states`, () => checkRule(rule, settings, files));
		}

		if (settings.routing === "policies") {
			it("route to contact points and mute times that there are", () => {
				const points = contactPointsFile.parse(parse(files.get("alerting/umbra-contact-points.yaml")!)).contactPoints!;
				const mutes = muteTimesFile.parse(parse(files.get("alerting/umbra-mute-times.yaml")!)).muteTimes!;
				const visit = ({ receiver, mute_time_intervals = [], routes = [] }: Policy) => {
					assert.ok(points.some(({ name }) => name === receiver));
					for (const name of mute_time_intervals) assert.ok(mutes.some((each) => each.name === name));
					routes.forEach(visit);
				};
				policiesFile.parse(parse(files.get("alerting/umbra-policies.yaml")!)).policies.forEach(visit);
				const uids = points.flatMap(({ receivers }) => receivers.map(({ uid }) => uid));
				assert.equal(new Set(uids).size, uids.length);
			});
		}

		it("keep $ where Grafana expands nothing, and refer to secrets only where it does", () => {
			for (const [path, text] of files) {
				if (!path.endsWith(".yaml")) continue;
				for (const [place, value] of strings(parse(text))) checkDollars(path, place, value);
			}
		});
	});
}

describe("alert rules", () => {
	it("are all that there ever were, or named for deletion", () => {
		const { groups } = parse(DEFAULTS.get("alerting/umbra-rules.yaml")!) as RulesFile;
		const current = groups.flatMap((group) => group.rules.map(({ uid }) => uid));
		assert.deepEqual([...current, ...RETIRED_RULES].toSorted(), RULE_UIDS.toSorted());
	});

	it("are told of in docs/grafana.md", () => {
		const text = readFileSync(join(import.meta.dirname, "..", "docs", "grafana.md"), "utf8");
		for (const uid of RULE_UIDS) assert.ok(text.includes(`(\`${uid.replace(/-warning$/, "-critical")}\``), uid);
	});

	it("alarm on silence and on errors in one place alone", () => {
		const { groups } = parse(DEFAULTS.get("alerting/umbra-rules.yaml")!) as RulesFile;
		const alarming = groups
			.flatMap((group) => group.rules)
			.filter(({ noDataState, execErrState }) => noDataState === "Alerting" || execErrState === "Alerting");
		assert.deepEqual(
			alarming.map(({ uid }) => uid),
			["umbra-collector-silent"],
		);
	});
});

function checkRule(rule: ProvisionedRule, settings: GrafanaSettings, files: ReadonlyMap<string, string>): void {
	const { uid, data, condition, labels, annotations, dashboardUid, panelId } = rule;
	assert.ok(["critical", "warning"].includes(labels["severity"]!));
	assert.ok(Object.values(settings.teams).includes(labels["team"]!));
	assert.equal(labels["source"], "umbra");
	for (const name of ["summary", "description", "mitigation", "dashboard_url"]) assert.ok(annotations[name], name);
	// Every expression refers to a query or expression before it.
	const known: string[] = [];
	for (const { refId, model } of data) {
		assert.equal(model.refId, refId);
		if ("expression" in model) assert.ok(known.includes(model.expression), `${uid}: ${model.expression}`);
		known.push(refId);
	}
	assert.ok(known.includes(condition));
	// Texts tell numbers that are reduced, and labels that the condition's series have.
	const [{ model }] = data as [ProvisionedRule["data"][0]];
	const query = "query" in model ? model.query : "";
	const groups = [...(/GROUP BY (.*)$/.exec(query)?.[1] ?? "").matchAll(/"([a-z]+)"/g)].map(([, name]) => name);
	const reduced = data.flatMap((each) => (each.model && "reducer" in each.model ? [each.refId] : []));
	for (const text of Object.values(annotations)) {
		for (const [, name] of text.matchAll(/\$labels\.(\w+)/g)) assert.ok(groups.includes(name!), `${uid}: ${name}`);
		for (const [, name] of text.matchAll(/\$values\.(\w+)/g)) assert.ok(reduced.includes(name!), `${uid}: ${name}`);
		assert.equal(text.split("{{").length, text.split("}}").length);
		const opened = text.match(/{{ (if|with|range) /g)?.length ?? 0;
		assert.equal(text.match(/{{ end }}/g)?.length ?? 0, opened, `${uid}: ${text}`);
	}
	// A number that only decorates has data whenever the condition has: it selects the same field from the same points.
	const field = /SELECT (\S+ AS "\w+")/.exec(query)?.[1] ?? "";
	const rest = query.slice(query.indexOf(" FROM "));
	for (const each of data.slice(3)) {
		if (!("query" in each.model)) continue;
		assert.ok(each.model.query.startsWith(`SELECT ${field}, `) && each.model.query.endsWith(rest), each.model.query);
	}
	// The panels are there.
	const dashboards = dashboardsIn(files);
	const hasPanel = (of: string, id: number) =>
		dashboards.some((each) => each.uid === of && each.panels?.some((panel) => panel.id === id && "targets" in panel));
	assert.ok(hasPanel(dashboardUid!, panelId!), `${uid}: panel ${panelId} of ${dashboardUid}`);
	for (const name of ["dashboard_url", "files"]) {
		const [, of, id] = /\/?d\/([a-z-]+)\/.*viewPanel=(\d+)/.exec(annotations[name] ?? "") ?? [];
		if (of !== undefined) assert.ok(hasPanel(of, Number(id)), `${uid}: ${annotations[name]}`);
	}
	checkUrl(`/${annotations["dashboard_url"]!.replace(/^.*?(?=d\/umbra)/, "")}`);
}

/** A link within Grafana: the dashboard is there, and has the variables. */
function checkUrl(url: string): void {
	const [, uid, query = ""] = /^\/d\/([a-z-]+)\/\1\?(.*)$/.exec(url) ?? [];
	const found = Object.values(DASHBOARDS).find((each) => each.uid === uid);
	assert.ok(found, url);
	for (const part of query.split("&")) {
		const name = /^var-(\w+)=./.exec(part)?.[1];
		if (name !== undefined) assert.ok((found.variables as readonly string[]).includes(name), url);
		// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable
		else assert.ok(part === "${__url_time_range}" || /^viewPanel=\d+$/.test(part), url);
	}
}

const SECRET = /\$__(env|file)\{[^}]+\}/g;

/** Where Grafana expands variables: see alerting/expand.ts. */
function checkDollars(path: string, place: string, value: string): void {
	const unexpanded =
		/\.model\.|\.annotations\./.test(place) || path.includes("templates") || path.includes("mute-times");
	if (unexpanded) {
		assert.ok(isUnexpanded(value), `${path} ${place}: ${value}`);
		return;
	}
	const secret = /secureJsonData|\.settings\./.test(place);
	const left = secret ? value.replaceAll(SECRET, "") : value;
	assert.ok(!left.replaceAll("$$", "").includes("$"), `${path} ${place}: ${value}`);
}

function* strings(value: unknown, place = ""): Generator<[string, string]> {
	if (typeof value === "string") yield [place, value];
	else if (typeof value === "object" && value !== null) {
		for (const [key, each] of Object.entries(value)) yield* strings(each, `${place}.${key}`);
	}
}

function dashboardsIn(files: ReadonlyMap<string, string>): Dashboard[] {
	return [...files].filter(([path]) => path.endsWith(".json")).map(([, text]) => JSON.parse(text) as Dashboard);
}

function panelsOf(dashboard: Dashboard): Panel[] {
	return (dashboard.panels ?? []).filter((panel): panel is Panel => "targets" in panel);
}

/** Every statement of a dashboard: of panels, variables and marks. */
function queriesOf(dashboard: Dashboard): string[] {
	const targets = panelsOf(dashboard).flatMap(({ targets: each = [] }) => each as unknown as { query: string }[]);
	const marks = (dashboard.annotations?.list ?? []).map(({ target }) => target as unknown as { query: string });
	const variables = (dashboard.templating?.list ?? []).map(({ query }) => String(query));
	const statements = [...targets, ...marks].map(({ query }) => query).concat(variables);
	for (const statement of statements) {
		const name = /FROM "(\w+)"/.exec(statement)?.[1] ?? "";
		assert.ok(definitionOf(name as never), statement);
	}
	return statements.map((statement) => statement.replaceAll(/\$timeFilter|\$__interval/g, ""));
}
