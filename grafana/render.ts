/**
 * `grafana/` makes what Grafana is provisioned with: data source, dashboards, alert rules, and whom to tell. It knows the
 * measurements and what an operator set, and nothing of the programs that write or read series. `provisioning/` is what
 * it makes of the defaults: committed, and checked against this code.
 *
 * Words, as Grafana has them: a *panel* shows the answers of its *queries*; a *rule* evaluates queries and raises alerts; a
 * *contact point* tells people, by *policies* that route alerts to it, except in *mute times*.
 */
import { Document, visit } from "yaml";
import { literal } from "./alerting/expand.ts";
import { contactPoints, muteTimes, policies, receiverUid, templates } from "./alerting/receivers.ts";
import { rules } from "./alerting/rules.ts";
import { dashboards } from "./dashboards/all.ts";
import { DATASOURCE } from "./names.ts";
import type { GrafanaSettings } from "./settings.ts";

/** What earlier renderings left in Grafana, which goes on with what is merely missing from its files. */
export interface Earlier {
	readonly rules: readonly string[];
	readonly receivers: readonly string[];
	readonly muteTimes: readonly string[];
}
export const NOTHING_EARLIER: Earlier = { rules: [], receivers: [], muteTimes: [] };

const HEAD = "# Made by `umbra grafana render`; do not edit.\n";
const DASHBOARD_FOLDER = "dashboards/umbra";

/**
 * The files by their path below Grafana's provisioning folder. Alerting files are named so that they can lie beside others: Grafana reads
 * all of a folder.
 */
export function renderFiles(
	settings: GrafanaSettings,
	earlier: Earlier = NOTHING_EARLIER,
): ReadonlyMap<string, string> {
	const files = new Map<string, string>([
		["datasources/umbra.yaml", yaml(datasource(settings))],
		["dashboards/umbra.yaml", yaml(provider(settings))],
		["alerting/umbra-rules.yaml", yaml(rules(settings, earlier.rules))],
	]);
	for (const each of dashboards(settings)) {
		files.set(`${DASHBOARD_FOLDER}/${each.uid}.json`, `${JSON.stringify(each, null, "\t")}\n`);
	}
	if (settings.routing !== "none") {
		const gone = goneFor(settings, earlier);
		files.set("alerting/umbra-contact-points.yaml", yaml(contactPoints(settings, gone)));
		files.set("alerting/umbra-templates.yaml", yaml(templates(settings)));
		if (settings.muteTimes.length + gone.muteTimes.length > 0) {
			files.set("alerting/umbra-mute-times.yaml", yaml(muteTimes(settings, gone)));
		}
	}
	if (settings.routing === "policies") files.set("alerting/umbra-policies.yaml", yaml(policies(settings)));
	return files;
}

/**
 * Grafana does not start when it is to delete what some policy still names. Only where the policies are written here too is it
 * sure that none does.
 */
function goneFor(settings: GrafanaSettings, earlier: Earlier): { receivers: string[]; muteTimes: string[] } {
	if (settings.routing !== "policies") return { receivers: [], muteTimes: [] };
	return {
		receivers: without(earlier.receivers, receiversOf(settings)),
		muteTimes: without(earlier.muteTimes, muteTimesOf(settings)),
	};
}

/** What these settings put into Grafana, for a later rendering to take away. */
export function receiversOf({ routing, contactPoints: points }: GrafanaSettings): string[] {
	return routing === "none" ? [] : points.map(({ name }) => receiverUid(name));
}

export function muteTimesOf({ routing, muteTimes: times }: GrafanaSettings): string[] {
	return routing === "none" ? [] : times.map(({ name }) => name);
}

function without(earlier: readonly string[], current: readonly string[]): string[] {
	return earlier.filter((each) => !current.includes(each)).sort();
}

/** Provisioned data sources and dashboards cannot be changed in Grafana: it would be lost with the next start. */
function datasource({ orgId, influx }: GrafanaSettings): unknown {
	const { version, url, database, user, password, token, interval } = influx;
	return {
		apiVersion: 1,
		datasources: [
			{
				name: "Umbra",
				uid: DATASOURCE.uid,
				type: DATASOURCE.type,
				orgId,
				access: "proxy",
				url,
				...(user === undefined ? {} : { user: literal(user) }),
				editable: false,
				jsonData: {
					version: "InfluxQL",
					dbName: literal(database),
					httpMode: "POST",
					timeInterval: interval,
					...(version === 1 ? {} : { httpHeaderName1: "Authorization" }),
				},
				...(version === 1
					? password === undefined
						? {}
						: { secureJsonData: { password } }
					: { secureJsonData: { httpHeaderValue1: `Token ${token}` } }),
			},
		],
	};
}

/** The folder by its title alone: Grafana makes it for the rules first, and gives it a uid of its own. */
function provider({ orgId, folder, provisioningPath }: GrafanaSettings): unknown {
	return {
		apiVersion: 1,
		providers: [
			{
				name: "Umbra",
				orgId,
				folder: literal(folder),
				type: "file",
				disableDeletion: false,
				allowUiUpdates: false,
				updateIntervalSeconds: 30,
				options: { path: `${provisioningPath}/${DASHBOARD_FOLDER}` },
			},
		],
	};
}

/** As readers of YAML 1.1 take it too, in which more words are no text: Grafana has one. A lone `=` is such a word, and a matcher. */
function yaml(value: unknown): string {
	const document = new Document(value, { version: "1.1", aliasDuplicateObjects: false });
	visit(document, {
		Scalar: (_key, node) => {
			if (node.value === "=") node.type = "QUOTE_DOUBLE";
		},
	});
	return HEAD + document.toString({ lineWidth: 0 });
}
