/** Steady state as the operator declares it: what has to hold of a shadow VM for it to count as well. */
import { z } from "zod";
import { durationField } from "../config.ts";

const text = z.string().min(1).max(1024);
/** A literal address in the shadow's own segment: nothing there resolves names. Left out, the guest's own. */
const address = z.union([z.ipv4(), z.ipv6()]).optional();
const port = z.int().min(1).max(65_535);

const kinds = {
	/** A connection is accepted. */
	tcp: z.strictObject({ address, port }),
	/** A request is answered so. */
	http: z.strictObject({
		address,
		port: port.default(80),
		path: z.string().max(4096).regex(/^\//, "wanted a path that begins with /").default("/"),
		host: text.optional(),
		status: z.int().min(100).max(599).default(200),
		contains: text.optional(),
	}),
	/** A line of the console; `*` stands for any characters. With `present` one has to come in each interval, with `absent` none at all. */
	console: z.strictObject({ pattern: text, expect: z.enum(["present", "absent"]).default("absent") }),
	/** A command that the guest agent runs. */
	command: z.strictObject({
		run: z.array(z.string().max(4096)).min(1).max(64),
		exitCode: z.int().min(0).max(255).default(0),
		contains: text.optional(),
	}),
};

type Kind = keyof typeof kinds;
const KINDS = Object.keys(kinds) as Kind[];

export const probe = z
	.strictObject({
		name: z.string().min(1).max(100),
		tcp: kinds.tcp.optional(),
		http: kinds.http.optional(),
		console: kinds.console.optional(),
		command: kinds.command.optional(),
		every: durationField()
			.refine((ms) => ms >= 100 && ms <= 36e5, "wanted 100ms to 1h")
			.default(5000),
		timeout: durationField()
			.refine((ms) => ms >= 10 && ms <= 6e5, "wanted 10ms to 10m")
			.default(2000),
		/** Not asked before: a service may need a moment after the clone was made. */
		after: durationField()
			.refine((ms) => ms <= 864e5, "wanted at most 1d")
			.default(0),
		/** So many in a row are a failure. */
		failures: z.int().min(1).max(1000).default(3),
	})
	.refine((each) => KINDS.filter((kind) => each[kind] !== undefined).length === 1, {
		error: `wanted exactly one of ${KINDS.join(", ")}`,
	});

export type Probe = z.output<typeof probe>;
