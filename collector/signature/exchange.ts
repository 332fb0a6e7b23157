/** Signatures as YAML, for other sites: written, read, and merged into what is known here. Pure. */
import { parseDocument, stringify } from "yaml";
import { z } from "zod";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { FAILURE_TYPES } from "../../common/failures/failures.ts";
import { checkProfile, type StressProfile, writtenProfile } from "../../common/trial/profile.ts";
import type { SignatureRecord, SiteRecord } from "../catalog/trial-records.ts";
import { compareStress, emptySignature } from "./filing.ts";

const FORMAT = "umbra-signatures";
const VERSION = 1;
/** Other sites that are remembered of one signature. */
const MAX_SITES = 100;

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const time = z.string().regex(/^\d{1,20}$/, "wanted Unix nanoseconds");
const title = z.string().min(1).max(120);
const site = z.string().min(1).max(100);
const lines = z.array(z.string().max(1000)).max(100);
const text = z.string().min(1).max(4096);

const siteEntry = z.strictObject({
	site,
	failed: count,
	trials: count,
	controls: count,
	firstSeen: time,
	lastSeen: time,
	mitigation: text.optional(),
});

const exchanged = z.strictObject({
	type: z.enum(FAILURE_TYPES),
	title,
	alternatives: z.array(title).max(50).default([]),
	excerpt: lines.default([]),
	consequences: z
		.array(z.strictObject({ type: z.enum(FAILURE_TYPES), title }))
		.max(100)
		.default([]),
	/** Checked as profiles are. */
	provokedBy: z.unknown().optional(),
	minimal: z.unknown().optional(),
	leadUp: z
		.strictObject({
			intervalMs: z.number().positive(),
			values: z.record(z.string().max(200), z.array(z.number().nullable()).max(1000)),
		})
		.optional(),
	sites: z.array(siteEntry).max(MAX_SITES),
});

const exchange = z.strictObject({
	format: z.literal(FORMAT),
	version: z.literal(VERSION),
	/** Id of the collector that wrote it. */
	site,
	exported: z.string().max(40),
	signatures: z.array(exchanged).max(100_000),
});

export type Exchange = z.output<typeof exchange>;
export type ExchangedSignature = Exchange["signatures"][number];

/** What came of an import. */
export interface ImportResult {
	readonly site: string;
	added: number;
	changed: number;
	unchanged: number;
	/** Of those for which the other site says something else to do. */
	readonly mitigations: MitigationOutcome[];
}

export interface MitigationOutcome {
	readonly id: string;
	readonly title: string;
	/** `adopted`: there was none here; `replaced`: as was asked for; `kept`: ours stays, theirs stands with their counts. */
	readonly outcome: "adopted" | "replaced" | "kept";
}

export function exportText(ownSite: string, signatures: readonly SignatureRecord[], now: bigint): string {
	const head = {
		format: FORMAT,
		version: VERSION,
		site: ownSite,
		exported: new Date(Number(now / 1_000_000n)).toISOString(),
	};
	return stringify(
		{ ...head, signatures: signatures.map((each) => written(ownSite, each)) },
		{ lineWidth: 0, aliasDuplicateObjects: false },
	);
}

function written(ownSite: string, signature: SignatureRecord): Record<string, unknown> {
	const { type, title, alternatives, excerpt, consequences, provokedBy, minimal, leadUp, sites } = signature;
	return {
		type,
		title,
		...(alternatives.length === 0 ? {} : { alternatives }),
		...(excerpt.length === 0 ? {} : { excerpt }),
		...(consequences.length === 0 ? {} : { consequences }),
		...(provokedBy === null ? {} : { provokedBy: neutralProfile(provokedBy.profile) }),
		...(minimal === null ? {} : { minimal: neutralProfile(minimal.profile) }),
		...(leadUp === null ? {} : { leadUp }),
		sites: [...ownEntry(ownSite, signature), ...sites].map(({ mitigation, ...entry }) =>
			mitigation === null ? entry : { ...entry, mitigation },
		),
	};
}

/** By its seed: names of profiles are made from those of VMs. */
function neutralProfile(profile: StressProfile): Record<string, unknown> {
	return writtenProfile({ ...profile, name: `profile-${profile.seed}` });
}

/** What this site counted and says, where it did. */
function ownEntry(ownSite: string, signature: SignatureRecord): SiteRecord[] {
	const { reproduction, controls, firstSeen, lastSeen, mitigation } = signature;
	const said = mitigation?.time;
	const [first, last] = [firstSeen ?? said, lastSeen ?? said];
	if (first === undefined || last === undefined) return [];
	const counts = { ...reproduction, controls, firstSeen: first, lastSeen: last };
	return [{ site: ownSite, ...counts, mitigation: mitigation?.text ?? null }];
}

/** @throws UmbraError `bad-config` that says where. */
export function parseExchange(content: string, path: string): Exchange {
	let value: unknown;
	try {
		const document = parseDocument(content);
		if (document.errors[0] !== undefined) throw document.errors[0];
		value = document.toJS();
	} catch (error) {
		throw new UmbraError("bad-config", `${path}: not YAML: ${messageOf(error)}`, { cause: error, context: { path } });
	}
	const result = exchange.safeParse(value);
	if (!result.success) {
		const [issue] = result.error.issues;
		const field = issue?.path.join(".") || "(top level)";
		throw new UmbraError("bad-config", `${path}: ${field}: ${issue?.message}`, {
			context: { path, field },
			hint: "wanted what `umbra signatures export` wrote",
		});
	}
	for (const [at, { provokedBy, minimal }] of result.data.signatures.entries()) {
		if (provokedBy !== undefined) checkProfile(provokedBy, `${path}: signatures.${at}.provokedBy`);
		if (minimal !== undefined) checkProfile(minimal, `${path}: signatures.${at}.minimal`);
	}
	return result.data;
}

export interface MergeOptions {
	/** Of the file. */
	readonly site: string;
	readonly ownSite: string;
	readonly takeMitigations: boolean;
	readonly by: string;
	readonly now: bigint;
}

/**
 * Counts of other sites take the place of what was known of these sites, where they are newer; ours, which may come back to us, stay.
 * What we have of a signature's evidence stays, what we lack is taken.
 *
 * @returns no `signature` where nothing changed.
 */
export function mergeImport(
	known: SignatureRecord | undefined,
	told: ExchangedSignature,
	options: MergeOptions,
): { readonly signature: SignatureRecord | undefined; readonly mitigation: MitigationOutcome | undefined } {
	const before = known ?? emptySignature(told);
	const sites = mergeSites(before.sites, told.sites, options.ownSite);
	const provokedBy = profileOf(told.provokedBy);
	const minimal = profileOf(told.minimal) ?? provokedBy;
	const merged: SignatureRecord = {
		...before,
		excerpt: before.excerpt.length > 0 ? before.excerpt : told.excerpt,
		consequences: before.excerpt.length > 0 ? before.consequences : told.consequences,
		provokedBy: before.provokedBy ?? (provokedBy === null ? null : { profile: provokedBy, levers: [] }),
		minimal:
			minimal !== null && (before.minimal === null || compareStress(minimal, before.minimal.profile) < 0)
				? { profile: minimal, trial: "" }
				: before.minimal,
		leadUp: before.leadUp ?? told.leadUp ?? null,
		sites,
	};
	const { mitigation, outcome } = mergeMitigation(merged, told, options);
	const signature = { ...merged, mitigation };
	const isSame = known !== undefined && JSON.stringify(signature) === JSON.stringify(before);
	return {
		signature: isSame ? undefined : signature,
		mitigation: outcome === undefined ? undefined : { id: before.id, title: before.title, outcome },
	};
}

function profileOf(value: unknown) {
	return value === undefined ? null : checkProfile(value, "profile");
}

function mergeSites(known: readonly SiteRecord[], told: ExchangedSignature["sites"], ownSite: string): SiteRecord[] {
	const sites = new Map(known.map((each) => [each.site, each]));
	for (const { mitigation = null, ...entry } of told) {
		if (entry.site === ownSite) continue;
		const before = sites.get(entry.site);
		const isNewer =
			before === undefined || entry.trials > before.trials || BigInt(entry.lastSeen) >= BigInt(before.lastSeen);
		if (isNewer && (before !== undefined || sites.size < MAX_SITES)) sites.set(entry.site, { ...entry, mitigation });
	}
	return [...sites.values()].sort((one, other) => (one.site < other.site ? -1 : one.site > other.site ? 1 : 0));
}

/** Ours is never lost without being asked for. */
function mergeMitigation(
	signature: SignatureRecord,
	told: ExchangedSignature,
	{ site, takeMitigations, by, now }: MergeOptions,
) {
	const ours = signature.mitigation;
	const theirs = told.sites.find((each) => each.site === site)?.mitigation;
	if (theirs === undefined || theirs === ours?.text) return { mitigation: ours, outcome: undefined };
	if (ours !== null && !takeMitigations) return { mitigation: ours, outcome: "kept" as const };
	const mitigation = { text: theirs, by, time: now.toString() };
	return { mitigation, outcome: ours === null ? ("adopted" as const) : ("replaced" as const) };
}
