/**
 * Grafana's alerting files as Grafana documents them (file provisioning, `apiVersion: 1`), key by key: what is not listed
 * here is refused, so that a key that Grafana would silently ignore never gets into a file. Limits and enumerations are those that
 * Grafana's own reader has.
 *
 * https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/file-provisioning/
 */
import { z } from "zod";

const orgId = z.int().min(1);
/** Grafana's limit for every uid, and the letters that it takes. */
const uid = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/);
const duration = z.string().regex(/^(\d+(ms|[smhdwy]))+$/);
/** A prometheus duration that may be none. */
const pending = z.string().regex(/^(0s|(\d+(ms|[smhdwy]))+)$/);
const refId = z.string().regex(/^[A-Z]$/);
const evaluator = z.strictObject({
	type: z.enum(["gt", "lt", "gte", "lte", "eq", "ne", "within_range", "outside_range"]),
	params: z.array(z.number()).min(1).max(2),
});
const expression = {
	refId,
	type: z.string(),
	expression: z.string(),
	datasource: z.strictObject({ type: z.literal("__expr__"), uid: z.literal("__expr__") }),
};
const timing = { intervalMs: z.int().min(1), maxDataPoints: z.int().min(1) };

/** What InfluxDB's plugin and the expressions take as `model`. */
const queryModel = z.strictObject({
	refId,
	datasource: z.strictObject({ type: z.literal("influxdb"), uid }),
	query: z.string().min(1),
	rawQuery: z.literal(true),
	resultFormat: z.literal("time_series"),
	...timing,
});
const reduceModel = z.strictObject({
	...expression,
	type: z.literal("reduce"),
	reducer: z.enum(["last", "max", "min", "mean", "sum", "count"]),
	settings: z.strictObject({ mode: z.enum(["", "dropNN", "replaceNN"]), replaceWithValue: z.number().optional() }),
	...timing,
});
const thresholdModel = z.strictObject({
	...expression,
	type: z.literal("threshold"),
	conditions: z.array(z.strictObject({ evaluator, unloadEvaluator: evaluator.optional() })).length(1),
	...timing,
});

const query = z.strictObject({
	refId,
	queryType: z.string().optional(),
	relativeTimeRange: z.strictObject({ from: z.int().min(0), to: z.int().min(0) }),
	datasourceUid: z.string().min(1),
	model: z.union([queryModel, reduceModel, thresholdModel]),
});
export type AlertQuery = z.output<typeof query>;

const notificationSettings = z.strictObject({
	receiver: z.string().min(1),
	group_by: z.array(z.string().min(1)).optional(),
	group_wait: duration.optional(),
	group_interval: duration.optional(),
	repeat_interval: duration.optional(),
	mute_time_intervals: z.array(z.string().min(1)).optional(),
});

const rule = z.strictObject({
	uid,
	title: z.string().min(1).max(190),
	condition: refId,
	data: z.array(query).min(1),
	dashboardUid: uid.optional(),
	panelId: z.int().min(1).optional(),
	noDataState: z.enum(["NoData", "Alerting", "OK", "KeepLast"]),
	execErrState: z.enum(["Error", "Alerting", "OK", "KeepLast"]),
	for: pending,
	keepFiringFor: duration.optional(),
	annotations: z.record(z.string().min(1), z.string()),
	labels: z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), z.string()),
	isPaused: z.boolean(),
	notification_settings: notificationSettings.optional(),
});
export type ProvisionedRule = z.output<typeof rule>;

const apiVersion = z.literal(1);
export const rulesFile = z.strictObject({
	apiVersion,
	groups: z.array(
		z.strictObject({
			orgId,
			name: z.string().min(1),
			folder: z.string().regex(/^[^/]+$/),
			interval: duration,
			rules: z.array(rule).min(1),
		}),
	),
	deleteRules: z.array(z.strictObject({ orgId, uid })).optional(),
});
export type RulesFile = z.output<typeof rulesFile>;

const message = { title: z.string(), message: z.string() };
/** Types and settings as in `receivers/<type>/v1/config.go` of grafana/alerting. */
const receiver = z.discriminatedUnion("type", [
	receiverOf("email", {
		addresses: z.string().min(1),
		singleEmail: z.boolean(),
		subject: z.string(),
		message: z.string(),
	}),
	receiverOf("webhook", {
		url: z.string().min(1),
		httpMethod: z.enum(["POST", "PUT"]),
		username: z.string().optional(),
		password: z.string().optional(),
		authorization_scheme: z.string().optional(),
		authorization_credentials: z.string().optional(),
		...message,
	}),
	receiverOf("slack", {
		url: z.string().optional(),
		token: z.string().optional(),
		recipient: z.string().optional(),
		title: z.string(),
		text: z.string(),
	}),
	receiverOf("teams", { url: z.string().min(1), ...message }),
	receiverOf("pagerduty", {
		integrationKey: z.string().min(1),
		severity: z.string(),
		class: z.string(),
		component: z.string(),
		group: z.string(),
		summary: z.string(),
		details: z.record(z.string(), z.string()),
	}),
	receiverOf("opsgenie", {
		apiKey: z.string().min(1),
		apiUrl: z.string().min(1),
		message: z.string(),
		description: z.string(),
		autoClose: z.boolean(),
		sendTagsAs: z.enum(["tags", "details", "both"]),
	}),
	receiverOf("prometheus-alertmanager", {
		url: z.string().min(1),
		basicAuthUser: z.string().optional(),
		basicAuthPassword: z.string().optional(),
	}),
]);
export type Receiver = z.output<typeof receiver>;

export const contactPointsFile = z.strictObject({
	apiVersion,
	contactPoints: z
		.array(z.strictObject({ orgId, name: z.string().min(1), receivers: z.array(receiver).min(1) }))
		.optional(),
	deleteContactPoints: z.array(z.strictObject({ orgId, uid })).optional(),
});

const matcher = z.tuple([z.string().min(1), z.enum(["=", "!=", "=~", "!~"]), z.string()]);
export interface Policy {
	receiver: string;
	group_by?: string[] | undefined;
	object_matchers?: z.output<typeof matcher>[] | undefined;
	mute_time_intervals?: string[] | undefined;
	continue?: boolean | undefined;
	group_wait?: string | undefined;
	group_interval?: string | undefined;
	repeat_interval?: string | undefined;
	routes?: Policy[] | undefined;
}
const policy = {
	receiver: z.string().min(1),
	group_by: z.array(z.string().min(1)).optional(),
	group_wait: duration.optional(),
	group_interval: duration.optional(),
	repeat_interval: duration.optional(),
	routes: z.lazy(() => z.array(childPolicy).optional()),
};
const childPolicy: z.ZodType<Policy> = z.strictObject({
	...policy,
	object_matchers: z.array(matcher).min(1).optional(),
	mute_time_intervals: z.array(z.string().min(1)).optional(),
	continue: z.boolean().optional(),
});
export const policiesFile = z.strictObject({
	apiVersion,
	/** The root takes everything: neither matchers nor mute times. */
	policies: z.array(z.strictObject({ orgId, ...policy })).length(1),
});

const range = (value: z.ZodString) => z.array(value).min(1).optional();
export const muteTimesFile = z.strictObject({
	apiVersion,
	muteTimes: z
		.array(
			z.strictObject({
				orgId,
				name: z.string().min(1),
				time_intervals: z
					.array(
						z.strictObject({
							times: z
								.array(
									z.strictObject({
										start_time: z.string().regex(/^\d{2}:\d{2}$/),
										end_time: z.string().regex(/^\d{2}:\d{2}$/),
									}),
								)
								.optional(),
							weekdays: range(z.string().regex(/^[a-z]+(:[a-z]+)?$/)),
							days_of_month: range(z.string()),
							months: range(z.string()),
							years: range(z.string()),
							location: z.string().optional(),
						}),
					)
					.min(1),
			}),
		)
		.optional(),
	deleteMuteTimes: z.array(z.strictObject({ orgId, name: z.string().min(1) })).optional(),
});

export const templatesFile = z.strictObject({
	apiVersion,
	templates: z.array(z.strictObject({ orgId, name: z.string().min(1), template: z.string().min(1) })).optional(),
	deleteTemplates: z.array(z.strictObject({ orgId, name: z.string().min(1) })).optional(),
});

function receiverOf<T extends string, S extends z.ZodRawShape>(type: T, settings: S) {
	return z.strictObject({
		uid,
		type: z.literal(type),
		settings: z.strictObject(settings),
		disableResolveMessage: z.boolean(),
	});
}
