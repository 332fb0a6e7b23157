/** Whom Grafana tells, when not, and in which words. */
import type { z } from "zod";
import type { ContactPoint, GrafanaSettings, MuteTime } from "../settings.ts";
import { literal } from "./expand.ts";
import type { contactPointsFile, muteTimesFile, Policy, policiesFile, Receiver, templatesFile } from "./file.ts";
import { seconds } from "./rule.ts";

/** Name of the message template, and what begins each of its parts. */
const TEMPLATE = "umbra";
const TITLE = `{{ template "${TEMPLATE}.title" . }}`;
const MESSAGE = `{{ template "${TEMPLATE}.message" . }}`;

/** What went before, by which Grafana is told to delete it. */
export interface Gone {
	readonly receivers: readonly string[];
	readonly muteTimes: readonly string[];
}

export function receiverUid(name: string): string {
	return `umbra-${name}`;
}

export function contactPoints(
	{ orgId, contactPoints: points }: GrafanaSettings,
	{ receivers }: Gone,
): z.output<typeof contactPointsFile> {
	return {
		apiVersion: 1,
		contactPoints: points.map((point) => ({ orgId, name: literal(point.name), receivers: [receiverOf(point)] })),
		...(receivers.length === 0 ? {} : { deleteContactPoints: receivers.map((uid) => ({ orgId, uid })) }),
	};
}

/** Types and keys as in grafana/alerting, `receivers/<type>/v1/config.go`. */
function receiverOf(point: ContactPoint): Receiver {
	const common = { uid: receiverUid(point.name), disableResolveMessage: !point.resolved };
	switch (point.type) {
		case "email":
			return {
				...common,
				type: "email",
				settings: {
					addresses: point.addresses.map(literal).join(";"),
					singleEmail: true,
					subject: TITLE,
					message: MESSAGE,
				},
			};
		case "webhook":
			return {
				...common,
				type: "webhook",
				settings: {
					url: point.url,
					httpMethod: "POST",
					...(point.user === undefined ? {} : { username: literal(point.user), password: point.password }),
					...(point.token === undefined
						? {}
						: { authorization_scheme: "Bearer", authorization_credentials: point.token }),
					title: TITLE,
					message: MESSAGE,
				},
			};
		case "slack":
			return {
				...common,
				type: "slack",
				settings: {
					...(point.url === undefined
						? { token: point.token, recipient: literal(point.channel ?? "") }
						: { url: point.url }),
					title: TITLE,
					text: MESSAGE,
				},
			};
		case "teams":
			return { ...common, type: "teams", settings: { url: point.url, title: TITLE, message: MESSAGE } };
		case "pagerduty":
			return {
				...common,
				type: "pagerduty",
				settings: {
					integrationKey: point.integrationKey,
					severity: "{{ with .CommonLabels.severity }}{{ . }}{{ else }}critical{{ end }}",
					class: "{{ .CommonLabels.alertname }}",
					component: "{{ with .CommonLabels.vm }}{{ . }}{{ else }}Umbra{{ end }}",
					group: "{{ with .CommonLabels.host }}{{ . }}{{ else }}Umbra{{ end }}",
					summary: TITLE,
					details: { umbra: MESSAGE },
				},
			};
		case "opsgenie":
			return {
				...common,
				type: "opsgenie",
				settings: {
					apiKey: point.apiKey,
					apiUrl: point.url,
					message: TITLE,
					description: MESSAGE,
					autoClose: true,
					sendTagsAs: "both",
				},
			};
		case "alertmanager":
			return {
				...common,
				type: "prometheus-alertmanager",
				settings: {
					url: point.url,
					...(point.user === undefined
						? {}
						: { basicAuthUser: literal(point.user), basicAuthPassword: point.password }),
				},
			};
	}
}

/**
 * One tree an organisation: what is not of Umbra goes to the last route's contact point too. Alerts of one VM come together,
 * so that one incident is one message.
 */
export function policies({ orgId, routes }: GrafanaSettings): z.output<typeof policiesFile> {
	const last = routes.at(-1)!;
	const receiver = literal(last.contactPoint);
	return {
		apiVersion: 1,
		policies: [
			{
				orgId,
				receiver,
				group_by: ["grafana_folder", "alertname"],
				routes: [
					{
						receiver,
						object_matchers: [["source", "=", "umbra"]],
						group_by: ["alertname", "host", "vm"],
						group_wait: "10s",
						group_interval: "1m",
						...details(last),
						routes: routes.slice(0, -1).map((route) => ({
							receiver: literal(route.contactPoint),
							object_matchers: [
								...(route.severity === undefined ? [] : ([["severity", "=", route.severity]] as const)),
								...(route.team === undefined ? [] : ([["team", "=", literal(route.team)]] as const)),
							].map((matcher): [string, "=", string] => [...matcher]),
							...details(route),
						})),
					},
				],
			},
		],
	};
}

function details({ mute, repeat }: GrafanaSettings["routes"][number]): Partial<Policy> {
	return {
		repeat_interval: repeat === undefined ? "4h" : seconds(repeat),
		...(mute.length === 0 ? {} : { mute_time_intervals: mute.map(literal) }),
	};
}

export function muteTimes(
	{ orgId, muteTimes: times }: GrafanaSettings,
	{ muteTimes: gone }: Gone,
): z.output<typeof muteTimesFile> {
	return {
		apiVersion: 1,
		...(times.length === 0 ? {} : { muteTimes: times.map((time) => ({ orgId, ...interval(time) })) }),
		...(gone.length === 0 ? {} : { deleteMuteTimes: gone.map((name) => ({ orgId, name })) }),
	};
}

function interval({ name, when }: MuteTime) {
	return {
		name,
		time_intervals: when.map(({ days, from, to, zone }) => ({
			...(from === undefined || to === undefined ? {} : { times: [{ start_time: from, end_time: to }] }),
			...(days === undefined ? {} : { weekdays: [...days] }),
			...(zone === undefined ? {} : { location: zone }),
		})),
	};
}

/** Not expanded by Grafana: a `$` would stay one. */
export function templates({ orgId }: GrafanaSettings): z.output<typeof templatesFile> {
	return { apiVersion: 1, templates: [{ orgId, name: TEMPLATE, template: `${TITLE_TEMPLATE}\n${MESSAGE_TEMPLATE}` }] };
}

const TITLE_TEMPLATE = `{{ define "umbra.title" -}}
{{ if eq .Status "firing" }}[{{ with .CommonLabels.severity }}{{ . | toUpper }}{{ else }}FIRING{{ end }}]{{ else }}[RESOLVED]{{ end }} {{ .CommonLabels.alertname }}
{{- with .CommonLabels.vm }} on {{ . }}{{ else }}{{ with .CommonLabels.host }} on {{ . }}{{ end }}{{ end }}
{{- if gt (len .Alerts.Firing) 1 }} ({{ len .Alerts.Firing }}){{ end }}
{{- end }}
`;
const MESSAGE_TEMPLATE = `{{ define "umbra.message" -}}
{{ range .Alerts -}}
{{ if eq .Status "firing" }}FIRING{{ else }}RESOLVED{{ end }}: {{ .Annotations.summary }}
{{ .Annotations.description }}
{{ if eq .Status "firing" }}{{ with .Annotations.mitigation }}What to do first: {{ . }}
{{ end }}{{ with .Annotations.files }}{{ . }}
{{ end }}{{ end }}{{ with .Annotations.dashboard_url }}Dashboard: {{ . }}
{{ end }}{{ with .Annotations.umbra_url }}Umbra: {{ . }}
{{ end }}{{ with .Annotations.runbook_url }}Runbook: {{ . }}
{{ end }}{{ if eq .Status "firing" }}Silence: {{ .SilenceURL }}
{{ end }}
{{ end -}}
{{ end }}
`;
