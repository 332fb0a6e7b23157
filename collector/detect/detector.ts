/**
 * detect/ judges changesets: how abnormal each is for its VM, and which files explain it.
 *
 * Words: a *feature* is one number of a changeset (features.ts); the *baseline* is what is normal for one VM
 * (baseline.ts); a *trigger* is a rule that needs no baseline (triggers.ts); a *verdict* is all that together.
 *
 * It may not know where records and states are stored, who is told, or what the time is: it reads the records given to
 * it and answers. A verdict and the state that comes with it are meant for one catalog batch, so that a changeset
 * judged again after a crash meets the same state and gets the same verdict.
 */
import { z } from "zod";
import type { ChangesetRecord, FileChangeRecord, Severity, TriggerHit, Verdict } from "../catalog/records.ts";
import { type BaselineState, EMPTY_BASELINE, judgeFeatures, learn } from "./baseline.ts";
import { type Assessment, assess } from "./features.ts";
import { criticalRule } from "./paths.ts";
import { DEFAULT_DETECT_SETTINGS, type DetectSettings } from "./settings.ts";
import { EMPTY_MEMORY, MAX_CULPRITS, type TriggerMemory } from "./triggers/trigger.ts";
import { runTriggers } from "./triggers.ts";

export interface StateStore {
	/** What was last stored under `key`, undefined where nothing was. */
	get(key: string): Promise<string | undefined>;
}

/** The changeset that the judged one says to build upon. */
export interface Base {
	/** Unix nanoseconds, decimal. */
	readonly time: string;
	readonly imported: boolean;
}

export interface Judged {
	readonly verdict: Verdict;
	/** To be stored together with the verdict. */
	readonly state: { readonly key: string; readonly value: string };
}

/** The share at which a changeset that looks like an attack is learned: an attack that goes on must not become normal. */
const ATTACK_WEIGHT = 0.1;
/** An abnormal but harmless-looking changeset is half learned: the second night of a new backup is no surprise any more. */
const ANOMALY_WEIGHT = 0.5;
/** From this score on a changeset is not learned in full. */
const NOTABLE_SCORE = 0.5;
const MAX_CONTRIBUTIONS = 10;

const stateSchema = z.strictObject({
	version: z.literal(1),
	/** Of the newest changeset judged, nanoseconds. */
	time: z.string(),
	changesetId: z.string(),
	seen: z.number(),
	learned: z.number(),
	histograms: z.record(z.string(), z.array(z.tuple([z.number(), z.number()]))),
	packageRun: z.number(),
	lost: z.array(z.strictObject({ path: z.string(), time: z.number() })),
	/** The newest changeset hit `log-growth`: what follows of one burst is not learned. */
	logBurst: z.boolean(),
});
type VmState = z.output<typeof stateSchema>;

export class Detector {
	readonly #store: StateStore;
	readonly #settings: DetectSettings;

	private constructor(store: StateStore, settings: DetectSettings) {
		this.#store = store;
		this.#settings = settings;
	}

	static async open(options: { readonly state: StateStore; readonly settings?: DetectSettings }): Promise<Detector> {
		return new Detector(options.state, options.settings ?? DEFAULT_DETECT_SETTINGS);
	}

	/**
	 * Judges one changeset; those of one VM in the order of their times. Changes nothing: call it again and it
	 * answers the same until its `state` is stored.
	 *
	 * What was imported has a past of its own: what is normal from one weekly snapshot to the next says nothing of one
	 * minute to the next, nor the other way round.
	 *
	 * @param files all its file changes, in any order.
	 * @param base undefined where there is none, or nothing is known of it any more.
	 * @throws what the store throws.
	 */
	async judge(changeset: ChangesetRecord, files: readonly FileChangeRecord[], base?: Base): Promise<Judged> {
		const isImported = changeset.imported !== undefined;
		const key = `${isImported ? "detect-imported" : "detect"}/${changeset.vm}`;
		const before = parseState(await this.#store.get(key));
		// Of what came and went nothing is left; a Windows makes hundreds of such files an hour, and only some filesystems tell.
		const lasting = files.filter(({ change }) => change !== "transient");
		// Over weeks, and since something that this past knows nothing of.
		const isBridge = !isImported && base?.imported === true;
		const { verdict, after } = this.#judge(before, changeset, lasting, { since: base?.time ?? before?.time, isBridge });
		return { verdict, state: { key, value: JSON.stringify(after) } };
	}

	#judge(
		before: VmState | undefined,
		changeset: ChangesetRecord,
		files: readonly FileChangeRecord[],
		{ since, isBridge }: { readonly since: string | undefined; readonly isBridge: boolean },
	) {
		const settings = this.#settings;
		const baseline: BaselineState = before ?? EMPTY_BASELINE;
		const memory: TriggerMemory = before ?? EMPTY_MEMORY;
		const time = secondsOf(changeset.time);
		const elapsed = since === undefined ? 0 : time - secondsOf(since);
		const assessment = assess(changeset, files, elapsed);
		const { hits, memory: remembered } = runTriggers({
			changeset,
			files,
			assessment,
			baseline,
			memory,
			time,
			settings,
		});
		// A first capture is a state, not a change: there is nothing to compare it with and nothing to learn from it.
		const first = isBridge || changeset.disks.every((disk) => disk.mode === "first");
		const learning = baseline.seen < settings.learnChangesets;
		const judgement = judgeFeatures(baseline, assessment.features);
		const score = learning || first ? 0 : judgement.score;
		const contributions = score > 0 ? judgement.contributions.slice(0, MAX_CONTRIBUTIONS) : [];
		const verdict: Verdict = {
			score,
			severity: severityOf(score, hits, settings),
			learning,
			features: assessment.features,
			contributions,
			files: explainingFiles(score, hits, files, assessment),
			triggers: hits,
		};
		// The same changeset again, or one older than the newest: it is judged, but the past is not rewritten.
		if (before !== undefined && BigInt(changeset.time) <= BigInt(before.time)) return { verdict, after: before };
		const weight = first ? 0 : learningWeight(learning ? 0 : judgement.score, hits, before?.logBurst ?? false);
		const learned = first ? baseline : learn(baseline, assessment.features, weight, settings.halfLifeChangesets);
		const after: VmState = {
			version: 1,
			time: changeset.time,
			changesetId: changeset.id,
			seen: learned.seen,
			learned: learned.learned,
			histograms: mutable(learned.histograms),
			packageRun: remembered.packageRun,
			lost: [...remembered.lost],
			logBurst: hits.some((hit) => hit.trigger === "log-growth"),
		};
		return { verdict, after };
	}
}

function secondsOf(time: string): number {
	return Number(BigInt(time) / 1_000_000n) / 1000;
}

function learningWeight(score: number, hits: readonly TriggerHit[], logBurst: boolean): number {
	const serious = hits.filter((hit) => hit.severity !== "info");
	if (serious.some((hit) => hit.trigger !== "log-growth")) return ATTACK_WEIGHT;
	if (serious.length > 0) return logBurst ? 0 : ANOMALY_WEIGHT;
	return score >= NOTABLE_SCORE ? ANOMALY_WEIGHT : 1;
}

function severityOf(score: number, hits: readonly TriggerHit[], settings: DetectSettings): Severity {
	const found = new Set(hits.map((hit) => hit.severity));
	if (score >= settings.criticalScore || found.has("critical")) return "critical";
	return score >= settings.warningScore || found.has("warning") ? "warning" : "info";
}

/** What triggers name first, then lost documents, then critical files, then whatever changed most. */
function explainingFiles(
	score: number,
	hits: readonly TriggerHit[],
	files: readonly FileChangeRecord[],
	assessment: Assessment,
): string[] {
	if (score === 0 && hits.length === 0) return [];
	const named = new Set<string>();
	for (const hit of hits) for (const path of hit.files) named.add(path);
	for (const rewrite of assessment.rewrites) named.add(rewrite.path);
	if (score > 0) {
		const rank = (file: FileChangeRecord) =>
			criticalRule(file.path, file.change === "modified") === undefined ? 0 : 1;
		const rest = files
			.filter((file) => file.type === "file" && file.change !== "metadata" && !named.has(file.path))
			.map((file) => ({ path: file.path, rank: rank(file), bytes: file.changedBytes }))
			.sort((a, b) => b.rank - a.rank || b.bytes - a.bytes || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
		for (const file of rest.slice(0, MAX_CULPRITS)) named.add(file.path);
	}
	return [...named].slice(0, MAX_CULPRITS);
}

function mutable(histograms: BaselineState["histograms"]): VmState["histograms"] {
	return Object.fromEntries(
		Object.entries(histograms).map(([name, buckets]) => [
			name,
			buckets.map(([bucket, weight]) => [bucket, weight] as [number, number]),
		]),
	);
}

/**
 * A state of another version or one that was damaged counts as none: the VM is learned anew, which its verdicts say
 * (`learning`), and triggers go on. Refusing to judge it at all would be worse.
 */
function parseState(text: string | undefined): VmState | undefined {
	if (text === undefined) return undefined;
	try {
		return stateSchema.safeParse(JSON.parse(text)).data;
	} catch {
		return undefined;
	}
}
