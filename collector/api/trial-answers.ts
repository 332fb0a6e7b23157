/** What the API answers about trials and signatures, as schemas. */
import { FAILURE_TYPES, type FailureName } from "../../common/failures/failures.ts";
import type {
	LeverLogRecord,
	OccurrenceRecord,
	ReproductionRecord,
	SiteRecord,
	TrialOutcome,
	TrialRecord,
	TrialStory,
} from "../catalog/trial-records.ts";
import type { ImportResult, MitigationOutcome } from "../signature/exchange.ts";
import type { BatchTrialView, BatchView, TemplateView } from "../trial/batch.ts";
import {
	bytes,
	count,
	flag,
	hash,
	list,
	milliseconds,
	nullable,
	number,
	oneOf,
	ref,
	type Schema,
	shape,
	text,
	time,
	withDescription,
} from "./shapes.ts";
import type { SignatureView, TrialView } from "./views.ts";

const failureType: Schema = { type: "string", enum: [...FAILURE_TYPES] };
const failureName = shape<Pick<FailureName, "type" | "title">>({ type: failureType, title: text });
const trial = {
	id: text,
	vm: text,
	time,
	ended: time,
	batch: withDescription(text, "trials that were run together"),
	point: withDescription(text, "time of the point whose state it was made from"),
	agentId: text,
	host: text,
	control: withDescription(flag, "a clone without stress"),
	durationMs: withDescription(nullable(milliseconds), "that it was given; null of an old control"),
	replays: withDescription(nullable(text), "the signature whose failure it tried to have again"),
	outcome: oneOf<TrialOutcome>({ survived: true, degraded: true, failed: true, lost: true }),
	signature: withDescription(nullable(text), "of the failure that came first"),
	failure: nullable(failureName),
	consequences: list(failureName),
	firstStressMs: withDescription(nullable(number), "from its beginning"),
	failedMs: withDescription(nullable(number), "from its beginning"),
	cloneMs: withDescription(nullable(number), "from template to running"),
	memoryBytes: withDescription(nullable(count), "memory that it took beside what clones share"),
};
export const TRIAL_SHAPES = {
	ListedTrial: shape<TrialView>({ ...trial, profile: withDescription(nullable(text), "its name; null of a control") }),
	Trial: shape<TrialRecord>({
		...trial,
		profile: nullable(ref("StressProfile")),
		probes: withDescription(
			list({ type: "object", additionalProperties: true }),
			"of its batch, which it was asked besides those of its profile",
		),
		levers: list(ref("LeverLog")),
	}),
	StressProfile: {
		type: "object",
		description: "As docs/trials.md tells, with durations in milliseconds.",
		required: ["name", "seed", "duration", "phases", "probes"],
		properties: {
			name: text,
			seed: count,
			duration: milliseconds,
			phases: list({ type: "object" }),
			probes: list({ type: "object" }),
		},
	},
	TrialBatch: shape<BatchView>({
		id: text,
		vm: text,
		point: withDescription(time, "of the state that they are made from"),
		agentId: text,
		host: text,
		state: oneOf<BatchView["state"]>({ running: true, done: true, failed: true, cancelled: true }),
		error: withDescription(text, "why it failed; empty where it did not"),
		begun: time,
		ended: nullable(time),
		trials: list(
			shape<BatchTrialView>({
				id: text,
				profile: withDescription(nullable(text), "its name; null of a control"),
				control: trial.control,
				outcome: withDescription(nullable(trial.outcome), "null while it has not ended"),
				failure: nullable(failureName),
				failedMs: trial.failedMs,
				cloneMs: trial.cloneMs,
				memoryBytes: trial.memoryBytes,
			}),
		),
		template: withDescription(
			nullable(
				shape<TemplateView>({
					templateMs: withDescription(number, "until the state was ready to be cloned"),
					ramBytes: bytes,
					diskBytes: withDescription(bytes, "that clones read of the point"),
					notes: withDescription(list(text), "in what clones differ from their machine"),
				}),
			),
			"null while it runs",
		),
	}),
	TrialStory: shape<TrialStory>({
		failures: list({ type: "object", additionalProperties: true }),
		series: shape<TrialStory["series"]>({
			intervalMs: number,
			values: { type: "object", additionalProperties: list({ type: ["number", "null"] }) },
		}),
		probes: list({ type: "object", additionalProperties: true }),
		events: withDescription(
			list(shape<TrialStory["events"][number]>({ atMs: number, event: text, detail: text, count })),
			"what QEMU told of it; detail is JSON, or the beginning of it",
		),
		screens: list(shape<TrialStory["screens"][number]>({ atMs: number, png: withDescription(text, "PNG, in base64") })),
		console: withDescription(text, "the end of what its consoles said"),
		notes: withDescription(list(text), "what could not be done or seen"),
		diskBytes: withDescription(bytes, "that its disks grew by"),
	}),
	LeverLog: shape<LeverLogRecord>({
		atMs: withDescription(number, "from the beginning of the trial"),
		lever: text,
		action: oneOf<LeverLogRecord["action"]>({ set: true, revert: true, fire: true }),
		values: { type: "object", additionalProperties: { type: ["string", "number"] } },
		problem: withDescription(text, "empty where it was done and found to be in force"),
	}),
	Signature: shape<SignatureView>({
		id: hash,
		type: failureType,
		title: text,
		alternatives: withDescription(list(text), "titles of the same failure"),
		excerpt: withDescription(list(text), "of the console"),
		consequences: list(failureName),
		provokedBy: nullable(
			shape<NonNullable<SignatureView["provokedBy"]>>({ profile: ref("StressProfile"), levers: list(ref("LeverLog")) }),
		),
		minimal: nullable(shape<NonNullable<SignatureView["minimal"]>>({ profile: ref("StressProfile"), trial: text })),
		leadUp: nullable(
			shape<NonNullable<SignatureView["leadUp"]>>({
				intervalMs: number,
				values: { type: "object", additionalProperties: list({ type: ["number", "null"] }) },
			}),
		),
		count: withDescription(count, "trials that showed it"),
		controls: withDescription(count, "of these, without stress"),
		occurrences: withDescription(
			list(shape<OccurrenceRecord>({ trial: text, vm: text, time, control: flag })),
			"the newest of them",
		),
		vms: list(text),
		reproduction: withDescription(
			shape<ReproductionRecord>({ failed: count, trials: count }),
			"how many of the replays ended in it again; the trials that were replayed are not counted",
		),
		mitigation: shape<SignatureView["mitigation"]>({
			text,
			by: withDescription(nullable(text), "null where it is what is said of the type"),
			time: nullable(time),
		}),
		firstSeen: withDescription(nullable(time), "null where it was never seen here"),
		lastSeen: nullable(time),
		sites: list(
			shape<SiteRecord>({
				site: withDescription(text, "id of another site's collector"),
				failed: count,
				trials: count,
				controls: count,
				firstSeen: time,
				lastSeen: time,
				mitigation: nullable(text),
			}),
		),
	}),
	SignatureImport: shape<ImportResult>({
		site: text,
		added: count,
		changed: count,
		unchanged: count,
		mitigations: list(
			shape<MitigationOutcome>({
				id: hash,
				title: text,
				outcome: oneOf<MitigationOutcome["outcome"]>({ adopted: true, replaced: true, kept: true }),
			}),
		),
	}),
};
