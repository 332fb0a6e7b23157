/** How one clone fared, as the agent that ran it tells the collector. Plain JSON, checked on arrival. */
import { z } from "zod";
import { FAILURE_TYPES } from "../failures/failures.ts";

export const MAX_REPORT_BYTES = 2 ** 20;
export const MAX_LEVERS = 5000;
export const MAX_EVENTS = 200;
const MAX_SERIES = 200;
/** A day of seconds. */
const MAX_POINTS = 86_400;
const MAX_SCREENS = 4;

const text = (length: number) => z.string().max(length);
const ms = z
	.number()
	.min(0)
	.max(864e5 * 2);
const name = z.object({
	type: z.enum(FAILURE_TYPES),
	title: text(120),
	alternatives: z.array(text(120)).max(16).readonly(),
});

const failure = name.extend({
	/** From the beginning of the trial. */
	atMs: ms.nullable(),
	count: z.number().min(0),
	excerpt: z.array(text(400)).max(64).readonly(),
	consequences: z.array(name).max(64).readonly(),
});

const leverLog = z.object({
	atMs: ms,
	lever: text(64),
	action: z.enum(["set", "revert", "fire"]),
	values: z.record(text(64), z.union([text(4096), z.number()])),
	/** Empty where it was done, and was found to be in force. */
	problem: text(1000),
});

const machineEvent = z.object({
	/** Of the first, from the beginning of the trial. */
	atMs: ms,
	/** As QEMU calls it. */
	event: text(64),
	/** What it tells with it, as JSON, or the beginning of that; empty where it tells nothing. */
	detail: text(400),
	/** How often it was told in a row. */
	count: z.number().int().min(1),
});

const probeResult = z.object({
	name: text(100),
	/** How often it was asked, and how often the answer was not as wanted. */
	asked: z.number().min(0),
	failed: z.number().min(0),
	/** As often in a row as it may; from the beginning of the trial. */
	failedMs: ms.nullable(),
	/** Of the last that failed; empty where none did. */
	detail: text(400),
	/** Why it could not be asked at all, or why its failures say nothing of the stress; else empty. */
	problem: text(400),
	medianMs: z.number().min(0).nullable(),
});

/** Values by the name of a series, one each `intervalMs` from the beginning of the trial; null where there was none. */
const series = z
	.object({
		intervalMs: z.number().min(100),
		values: z.record(text(100), z.array(z.number().nullable()).max(MAX_POINTS)),
	})
	.refine(({ values }) => Object.keys(values).length <= MAX_SERIES, "too many series");

const screen = z.object({
	atMs: ms,
	/** PNG, in base64. */
	png: text(400_000),
});

export const cloneReport = z.object({
	/** Of the batch's trials that this agent was given, from 0. */
	index: z.number().int().min(0),
	/** Unix nanoseconds, as text. */
	time: text(20).regex(/^\d+$/),
	ended: text(20).regex(/^\d+$/),
	/** Lost: the host failed it, or it could not be begun; the notes say why. */
	outcome: z.enum(["survived", "degraded", "failed", "lost"]),
	/** In the order in which they came; empty where nothing failed. */
	failures: z.array(failure).max(64),
	firstStressMs: ms.nullable(),
	failedMs: ms.nullable(),
	cloneMs: ms.nullable(),
	memoryBytes: z.number().min(0).nullable(),
	/** Bytes that its disks grew by. */
	diskBytes: z.number().min(0),
	levers: z.array(leverLog).max(MAX_LEVERS),
	series,
	probes: z.array(probeResult).max(64),
	/** What QEMU told of it, the first of more; agents before this do not tell. */
	events: z.array(machineEvent).max(MAX_EVENTS).default([]),
	screens: z.array(screen).max(MAX_SCREENS),
	/** The end of what its consoles said. */
	console: text(65_536),
	/** What could not be done or seen, for people. */
	notes: z.array(text(1000)).max(100),
});

export type CloneReport = z.output<typeof cloneReport>;
export type MachineEvent = z.output<typeof machineEvent>;
export type ProbeResult = z.output<typeof probeResult>;
export type LeverLog = z.output<typeof leverLog>;
export type TrialSeries = z.output<typeof series>;
export type Screen = z.output<typeof screen>;
