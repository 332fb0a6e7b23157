/**
 * `common/trial/` is what agent, collector and command line share about trials of shadow VMs: stress profiles as data, what they come
 * to over time, profiles made from a VM's own load, and the probes that say whether it is well. It moves no lever, and asks no VM.
 *
 * Words: a *lever* is one way to stress a clone; a *phase* is a stretch of a trial in which levers are set; a *profile* is phases over
 * time, with the seed that decides all that is left to chance in it; a *batch* is several trials of one VM.
 */
import { parseDocument, stringify } from "yaml";
import { z } from "zod";
import { checkConfig, durationField } from "../config.ts";
import { messageOf, UmbraError } from "../errors.ts";
import { leverSetting, MOMENTARY, targetOf } from "./levers.ts";
import { type Probe, probe } from "./probes.ts";

/** Longer is no trial. */
const MAX_DURATION_MS = 24 * 36e5;
const MAX_PHASES = 100;
const MAX_LEVERS = 32;
const MAX_PROBES = 32;
const MAX_PROFILES = 1000;
/** Of a file: a thousand profiles of a few phases. */
export const MAX_PROFILE_BYTES: number = 4 * 2 ** 20;

const phase = z.strictObject({
	/** From the beginning of the trial. */
	from: durationField().default(0),
	/** Left out: to the end. */
	for: durationField().optional(),
	levers: z.array(leverSetting).min(1).max(MAX_LEVERS),
});

const seed = z
	.int()
	.min(0)
	.max(2 ** 32 - 1);

const profile = z
	.strictObject({
		name: z.string().min(1).max(200),
		seed: seed.default(0),
		duration: durationField().refine((ms) => ms >= 1000 && ms <= MAX_DURATION_MS, "wanted 1s to 1d"),
		phases: z.array(phase).max(MAX_PHASES),
		probes: z.array(probe).max(MAX_PROBES).default([]),
	})
	.superRefine(({ duration, phases }, context) => {
		for (const [at, { from, for: length }] of phases.entries()) {
			const path = ["phases", at];
			if (from >= duration) {
				context.addIssue({
					code: "custom",
					path: [...path, "from"],
					message: "begins when the trial is over",
					input: from,
				});
			} else if (length !== undefined && (length <= 0 || from + length > duration)) {
				const message = length <= 0 ? "wanted more than nothing" : "lasts longer than the trial";
				context.addIssue({ code: "custom", path: [...path, "for"], message, input: length });
			}
		}
		for (const { path, message } of contradictions(phases, duration)) {
			context.addIssue({ code: "custom", path, message });
		}
	});

type Phases = readonly z.output<typeof phase>[];

/** Held levers that are set twice at a time. */
function contradictions(phases: Phases, duration: number) {
	const settings = phases.flatMap(({ from, for: length, levers }, at) =>
		levers.flatMap((setting, lever) =>
			MOMENTARY.has(setting.lever)
				? []
				: [{ path: ["phases", at, "levers", lever], target: targetOf(setting), from, to: from + (length ?? duration) }],
		),
	);
	const found: { readonly path: (string | number)[]; readonly message: string }[] = [];
	for (const [at, one] of settings.entries()) {
		const other = settings
			.slice(0, at)
			.find(({ target, from, to }) => overlaps(target, one.target) && from < one.to && one.from < to);
		if (other === undefined) continue;
		found.push({ path: one.path, message: `${one.target} is set at the same time by ${other.path.join(".")}` });
	}
	return found;
}

/** "disk-rate *" is all disks, and so also "disk-rate vda". */
function overlaps(one: string, other: string): boolean {
	const [whole, part] = one.endsWith(" *") ? [one, other] : [other, one];
	return one === other || (whole.endsWith(" *") && part.startsWith(whole.slice(0, -1)));
}

export type StressProfile = z.output<typeof profile>;

const batch = z.strictObject({
	vm: z.string().min(1).max(1024).optional(),
	/** A clone without any stress runs with them: what fails there too is not the stress's doing. */
	control: z.boolean().default(true),
	/** Of every trial, besides those of its profile. */
	probes: z.array(probe).max(MAX_PROBES).default([]),
	profiles: z.array(profile).min(1).max(MAX_PROFILES),
});

/** Trials of one VM that are run together. */
export type TrialBatch = z.output<typeof batch>;

/** @throws UmbraError `bad-config` that names every wrong field. */
export function checkProfile(value: unknown, path: string): StressProfile {
	return checked(profile, value, path);
}

/** @throws UmbraError `bad-config` that names every wrong field. */
export function checkProbes(value: unknown, path: string): Probe[] {
	return checked(z.array(probe).max(MAX_PROBES), value, path);
}

/**
 * A file's text as a batch; one that holds a profile alone is a batch of that.
 *
 * @throws UmbraError `bad-config` with the path of every wrong field.
 */
export function parseBatch(text: string, path: string): TrialBatch {
	const value = parseYaml(text, path);
	if (typeof value === "object" && value !== null && ("profiles" in value || "vm" in value))
		return checked(batch, value, path);
	return { control: true, probes: [], profiles: [checkProfile(value, path)] };
}

function checked<T extends z.ZodType>(schema: T, value: unknown, path: string): z.output<T> {
	try {
		return checkConfig(schema, value, path);
	} catch (error) {
		if (!(error instanceof UmbraError)) throw error;
		const hint = "docs/trials.md tells how a profile is written";
		throw new UmbraError(error.code, error.message, { context: error.context, hint });
	}
}

function parseYaml(text: string, path: string): unknown {
	const bytes = Buffer.byteLength(text);
	if (bytes > MAX_PROFILE_BYTES) {
		throw new UmbraError("bad-config", `${path}: ${bytes} bytes; wanted at most ${MAX_PROFILE_BYTES}`, {
			context: { path, found: bytes, wanted: MAX_PROFILE_BYTES },
			hint: "fewer profiles in one file: each file is a batch of its own",
		});
	}
	try {
		const document = parseDocument(text);
		if (document.errors[0] !== undefined) throw document.errors[0];
		return document.toJS();
	} catch (error) {
		throw new UmbraError("bad-config", `${path}: not YAML: ${messageOf(error)}`, { cause: error, context: { path } });
	}
}

/** As `parseBatch` reads it: durations with their unit, what is as it comes left out. */
export function formatBatch({ vm, control, probes, profiles }: TrialBatch): string {
	return stringify(
		{
			...(vm === undefined ? {} : { vm }),
			...(control ? {} : { control }),
			...(probes.length === 0 ? {} : { probes: probes.map(writtenProbe) }),
			profiles: profiles.map(writtenProfile),
		},
		{ lineWidth: 0 },
	);
}

/** JSON that `checkProfile` takes. */
export function writtenProfile({
	name,
	seed: seedOf,
	duration,
	phases,
	probes,
}: StressProfile): Record<string, unknown> {
	return {
		name,
		seed: seedOf,
		duration: written(duration),
		phases: phases.map(({ from, for: length, levers }) => ({
			from: written(from),
			...(length === undefined ? {} : { for: written(length) }),
			levers: levers.map((setting) => withDurations(setting, ["every", "jitter"])),
		})),
		...(probes.length === 0 ? {} : { probes: probes.map(writtenProbe) }),
	};
}

/** JSON that `checkProbes` takes. */
export function writtenProbes(probes: readonly z.output<typeof probe>[]): Record<string, unknown>[] {
	return probes.map(writtenProbe);
}

function writtenProbe(each: z.output<typeof probe>): Record<string, unknown> {
	return withDurations(each, ["every", "timeout", "after"]);
}

function withDurations(value: object, fields: readonly string[]): Record<string, unknown> {
	return Object.fromEntries(
		Object.entries(value).flatMap(([key, each]): [string, unknown][] => {
			if (each === undefined) return [];
			if (fields.includes(key) && typeof each === "number") return [[key, written(each)]];
			const isRamp = typeof each === "object" && each !== null && "ramp" in each;
			return [[key, isRamp ? withDurations(each, ["every"]) : each]];
		}),
	);
}

function written(ms: number): string {
	return Number.isInteger(ms / 1000) ? `${ms / 1000}s` : `${ms}ms`;
}
