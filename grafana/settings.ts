/** What an operator can set of the files for Grafana, and the defaults: those of grafana/provisioning/. */
import { z } from "zod";
import { durationField } from "../common/config.ts";

/**
 * A credential is never in the settings nor in what is made of them: Grafana takes it from an environment variable or a
 * file of its own.
 */
const secret = z.string().regex(/^\$__(env\{[A-Za-z_][A-Za-z0-9_]*\}|file\{\/[^{}$]+\})$/, {
	error: "wanted a reference that Grafana follows: $__env{NAME} or $__file{/path}",
});
/** A title, a name, an address: text in which Grafana would take `$` for a variable. */
const plain = z
	.string()
	.min(1)
	.regex(/^[^$]*$/, { error: "wanted text without $" });
const httpUrl = z
	.url({ protocol: /^https?$/ })
	.regex(/^[^$]*$/, { error: "wanted a URL without $" })
	.transform((url) => url.replace(/\/+$/, ""));
/** Becomes part of uids, of which Grafana takes 40 characters. */
const contactName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,29}$/, {
	error: "wanted a name of at most 30 lower-case letters, digits and -",
});
const clock = z.string().regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, { error: "wanted a time such as 08:30" });
export const SEVERITIES = ["critical", "warning"] as const;
const severity = z.enum(SEVERITIES);
const percent = z.number().min(1).max(100);

const influx = z
	.strictObject({
		/** 1: user and password; 2 and 3: a token. All are asked in InfluxQL. */
		version: z.union([z.literal(1), z.literal(2), z.literal(3)]).default(1),
		/** As Grafana's server reaches it. */
		url: httpUrl.default("http://127.0.0.1:8086"),
		/** Database; of version 2 the one that is mapped to the bucket. */
		database: plain.default("umbra"),
		user: plain.optional(),
		password: secret.optional(),
		token: secret.optional(),
		/** How often agents read: no chart has finer steps. */
		interval: z
			.string()
			.regex(/^\d+[sm]$/, { error: "wanted a step such as 10s" })
			.default("10s"),
	})
	.refine(({ version, token }) => version === 1 || token !== undefined, {
		error: "InfluxDB 2 and 3 want a token",
		path: ["token"],
	})
	.refine(({ version, token }) => version !== 1 || token === undefined, {
		error: "InfluxDB 1 wants user and password, no token",
		path: ["token"],
	})
	.refine(({ user, password }) => (user === undefined) === (password === undefined), {
		error: "wanted both user and password, or neither",
		path: ["password"],
	});

const named = {
	name: contactName,
	/** Whether it is told that an alert is over. */
	resolved: z.boolean().default(true),
};
const bothOrNeither = "wanted both user and password, or neither";
/** One way to tell people. */
const contactPoint = z.discriminatedUnion("type", [
	z.strictObject({ ...named, type: z.literal("email"), addresses: z.array(plain).min(1) }),
	z
		.strictObject({
			...named,
			type: z.literal("webhook"),
			url: httpUrl,
			user: plain.optional(),
			password: secret.optional(),
			/** Sent as `Authorization: Bearer`. */
			token: secret.optional(),
		})
		.refine(({ user, password }) => (user === undefined) === (password === undefined), { error: bothOrNeither })
		.refine(({ user, token }) => user === undefined || token === undefined, {
			error: "wanted a user or a token, not both",
		}),
	z
		.strictObject({
			...named,
			type: z.literal("slack"),
			/** An incoming webhook; whoever has its URL can write to it. */
			url: secret.optional(),
			/** Or a bot, and where it writes. */
			token: secret.optional(),
			channel: plain.optional(),
		})
		.refine(({ url, token, channel }) => (url === undefined) === (token !== undefined && channel !== undefined), {
			error: "wanted either url, or token and channel",
		}),
	/** Whoever has the URL can write to it. */
	z.strictObject({ ...named, type: z.literal("teams"), url: secret }),
	z.strictObject({ ...named, type: z.literal("pagerduty"), integrationKey: secret }),
	z.strictObject({
		...named,
		type: z.literal("opsgenie"),
		apiKey: secret,
		url: httpUrl.default("https://api.opsgenie.com/v2/alerts"),
	}),
	z
		.strictObject({
			...named,
			type: z.literal("alertmanager"),
			url: httpUrl,
			user: plain.optional(),
			password: secret.optional(),
		})
		.refine(({ user, password }) => (user === undefined) === (password === undefined), { error: bothOrNeither }),
]);

const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;
const muteTime = z.strictObject({
	name: contactName,
	/** Any of these; one without days is every day, one without times the whole day. */
	when: z
		.array(
			z
				.strictObject({
					days: z.array(z.enum(DAYS)).min(1).optional(),
					from: clock.optional(),
					to: clock.optional(),
					/** IANA name; UTC unless said otherwise. */
					zone: z
						.string()
						.regex(/^[A-Za-z][A-Za-z0-9_+/-]*$/)
						.optional(),
				})
				.refine(({ from, to }) => (from === undefined) === (to === undefined), {
					error: "wanted both from and to, or neither",
				})
				.refine(({ from, to }) => from === undefined || to === undefined || from < to, {
					error: "wanted from before to; over midnight takes two entries",
				})
				.refine(({ days, from }) => days !== undefined || from !== undefined, { error: "wanted days, times or both" }),
		)
		.min(1),
});

const route = z.strictObject({
	/** What it is for; without either it is for everything that no route before it took. */
	severity: severity.optional(),
	team: plain.optional(),
	contactPoint: contactName,
	/** Names of mute times during which it tells nobody. */
	mute: z.array(contactName).default([]),
	/** How long until it tells again what still fires. */
	repeat: durationField().optional(),
});

export const grafanaSettings = z
	.strictObject({
		/** Organisation of Grafana in which all of it lies. */
		orgId: z.int().min(1).default(1),
		/** Where these files will lie on Grafana's machine. */
		provisioningPath: z
			.string()
			.regex(/^\/[^$]*$/, { error: "wanted an absolute path without $" })
			.transform((path) => path.replace(/\/+$/, ""))
			.default("/etc/grafana/provisioning"),
		/** Title of the folder of dashboards and rules. Grafana takes / for a folder in a folder. */
		folder: plain.regex(/^[^/]*$/, { error: "wanted a title without /" }).default("Umbra"),
		/** Grafana's own URL, for links in notifications; else its `root_url`. */
		grafanaUrl: httpUrl.optional(),
		/** The collector's HTTP API as people reach it, for links. */
		umbraUrl: httpUrl.optional(),
		/** A page of your own on what to do; gets `#` and the name of the rule. */
		runbookUrl: httpUrl.optional(),
		influx: influx.prefault({}),
		/** Label `team` of what is found on VMs, of disks that fill up, and of Umbra itself. */
		teams: z
			.strictObject({ vms: plain.default("noc"), capacity: plain.default("noc"), umbra: plain.default("noc") })
			.prefault({}),
		/** When rules fire. */
		thresholds: z
			.strictObject({
				/** Until a filesystem is full, in days. */
				daysToFull: z
					.strictObject({ warning: z.number().positive().default(14), critical: z.number().positive().default(3) })
					.prefault({}),
				/** Predicted failures that are nearer are critical whatever their probability. */
				hoursToFailure: z.number().positive().default(24),
				agentSilent: durationField().prefault("2m"),
				captureLate: durationField().prefault("15m"),
				/** How full an agent's spool is, in percent. */
				spoolUsed: percent.default(70),
				/** Age of the oldest point that the series store has not taken. */
				seriesBacklog: durationField().prefault("10m"),
				/** How full the filesystem of the collector's data folder is, in percent. */
				diskUsed: z.strictObject({ warning: percent.default(85), critical: percent.default(95) }).prefault({}),
			})
			.prefault({}),
		contactPoints: z
			.array(contactPoint)
			.min(1)
			.default([
				{ name: "noc", resolved: true, type: "email", addresses: ["noc@example.org"] },
				{ name: "on-call", resolved: true, type: "email", addresses: ["on-call@example.org"] },
			]),
		muteTimes: z
			.array(muteTime)
			.default([{ name: "sunday-maintenance", when: [{ days: ["sunday"], from: "02:00", to: "04:00" }] }]),
		/**
		 * `policies` writes the notification policies, of which Grafana has one tree an organisation: it replaces what is there.
		 * `rules` has each rule name its contact point and leaves the tree alone. `none` leaves telling people to you.
		 */
		routing: z.enum(["policies", "rules", "none"]).default("policies"),
		/** First match counts; the last has to be for everything. */
		routes: z
			.array(route)
			.min(1)
			.default([
				{ severity: "critical", contactPoint: "on-call", mute: [] },
				{ contactPoint: "noc", mute: [] },
			]),
	})
	.superRefine((settings, context) => {
		const refuse = (message: string, path: (string | number)[]) =>
			context.addIssue({ code: "custom", message, path, input: undefined });
		for (const list of ["contactPoints", "muteTimes"] as const) {
			const names = settings[list].map(({ name }) => name);
			for (const [index, name] of names.entries()) {
				if (names.indexOf(name) !== index) refuse(`there are two of the name ${name}`, [list, index, "name"]);
			}
		}
		const points = new Set(settings.contactPoints.map(({ name }) => name));
		const mutes = new Set(settings.muteTimes.map(({ name }) => name));
		for (const [index, { contactPoint, mute }] of settings.routes.entries()) {
			if (!points.has(contactPoint))
				refuse(`there is no contact point ${contactPoint}`, ["routes", index, "contactPoint"]);
			for (const name of mute) if (!mutes.has(name)) refuse(`there is no mute time ${name}`, ["routes", index, "mute"]);
		}
		const last = settings.routes.at(-1)!;
		if (last.severity !== undefined || last.team !== undefined) {
			refuse("the last route has to be for everything", ["routes", settings.routes.length - 1]);
		}
		const { daysToFull, diskUsed } = settings.thresholds;
		if (daysToFull.critical >= daysToFull.warning)
			refuse("wanted critical below warning", ["thresholds", "daysToFull"]);
		if (diskUsed.critical <= diskUsed.warning) refuse("wanted critical above warning", ["thresholds", "diskUsed"]);
	});

export type GrafanaSettings = z.output<typeof grafanaSettings>;
export type ContactPoint = GrafanaSettings["contactPoints"][number];
export type MuteTime = GrafanaSettings["muteTimes"][number];
export type Severity = (typeof SEVERITIES)[number];
