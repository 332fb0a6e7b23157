/** Who is told of alerts: webhooks and Alertmanagers of collector.yaml. */
import { z } from "zod";
import { durationField } from "../../common/config.ts";
import { GROUP_LABELS } from "./parcels.ts";

const url = z.url({ protocol: /^https?$/ });
const headers = z.record(z.string(), z.string()).optional();
/** Node's timers hold no more than 24 days; a second is what a receiver may be asked to bear. */
const pause = () => durationField().refine((ms) => ms >= 1000 && ms <= 7 * 864e5, "wanted 1s to 7d");

const webhook = z.strictObject({
	name: z.string().min(1),
	url,
	headers,
	/** Alerts that are alike in `by` go in one post, after `wait`, and not more often than every `interval`. */
	group: z
		.strictObject({
			by: z.array(z.enum(GROUP_LABELS)).default(["host", "cause"]),
			wait: pause().default(30_000),
			interval: pause().default(300_000),
		})
		.optional(),
	/** What still fires is told again after so long; not at all where it is left out. */
	repeat: pause().optional(),
});

const alertmanager = z.strictObject({
	name: z.string().min(1),
	/** Where its API begins: what comes before `/api/v2`. */
	url,
	headers,
	/** Added to the labels of every alert, for its routes. */
	labels: z
		.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, "wanted a label name: letters, digits and _"), z.string())
		.default({}),
	/** How often it is told what fires. */
	resend: pause().default(60_000),
});

/** Fields of collector.yaml. */
export const notificationSettings = {
	webhooks: z.array(webhook).superRefine(uniqueNames).default([]),
	alertmanagers: z.array(alertmanager).superRefine(uniqueNames).default([]),
	/** Where people reach the API, for links in what is told. */
	publicUrl: url.optional(),
};

function uniqueNames(list: readonly { readonly name: string }[], context: z.RefinementCtx): void {
	const seen = new Set<string>();
	list.forEach(({ name }, at) => {
		if (seen.has(name)) context.addIssue({ code: "custom", path: [at, "name"], message: `"${name}" is there twice` });
		seen.add(name);
	});
}
