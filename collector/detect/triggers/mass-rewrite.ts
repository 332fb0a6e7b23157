/**
 * `mass-rewrite`: many existing documents were turned into random content or given an ending that nobody uses, as
 * ransomware does. rewrites.ts says what counts as evidence; here it is added up, over one changeset and over a window, so that an
 * attack that takes a few documents a minute is seen too.
 */
import type { TriggerHit } from "../../catalog/records.ts";
import { folderOf } from "../paths.ts";
import type { Rewrite } from "../rewrites.ts";
import { type LostDocument, list, MAX_CULPRITS, plural, type TriggerInput } from "./trigger.ts";

/** Within one changeset, so many strong cases lend weight to the supporting ones beside them. */
const MIN_STRONG = 3;
/** Remembered documents: more than any threshold that can be set, few enough to be written with every changeset. */
const MAX_REMEMBERED = 64;
/** Longer paths are cut: a guest chooses them, and they are written with every changeset. */
const MAX_PATH = 512;

export function massRewrite(input: TriggerInput): { hit: TriggerHit | undefined; lost: readonly LostDocument[] } {
	const { assessment, memory, time, settings } = input;
	const { minDocuments, window } = settings.massRewrite;
	const { rewrites } = assessment;
	const strong = rewrites.filter((rewrite) => rewrite.strong);
	const recent = memory.lost.filter((item) => item.time > time - window / 1000 && item.time <= time);
	const lost = remember(recent, strong, time);
	const now = strong.length >= MIN_STRONG ? rewrites : strong;
	const names = new Set(now.map(pathOf));
	const earlier = recent.filter((item) => !names.has(item.path));
	// Memory alone never fires: something must have been lost in this changeset.
	if (strong.length === 0 || names.size + earlier.length < minDocuments) return { hit: undefined, lost };
	const burst = names.size >= minDocuments;
	const paths = [...names, ...(burst ? [] : earlier.map((item) => item.path))];
	return { hit: hitOf(now, paths, burst ? undefined : { since: earlier[0]?.time ?? time, time }), lost };
}

/** Each document once, under its latest loss. */
function remember(recent: readonly LostDocument[], strong: readonly Rewrite[], time: number): LostDocument[] {
	const names = new Set(strong.map(pathOf));
	const kept = recent.filter((item) => !names.has(item.path));
	return [...kept, ...[...names].slice(0, MAX_REMEMBERED).map((path) => ({ path, time }))].slice(-MAX_REMEMBERED);
}

function pathOf(rewrite: Rewrite): string {
	return rewrite.path.slice(0, MAX_PATH);
}

function hitOf(
	now: readonly Rewrite[],
	paths: readonly string[],
	slow: { readonly since: number; readonly time: number } | undefined,
): TriggerHit {
	const folders = new Set(paths.map(folderOf));
	const renamed = now.filter((rewrite) => rewrite.renamed);
	const rises = now.map((rewrite) => rewrite.rise).filter((rise) => rise !== null);
	const rise =
		rises.length === 0 ? 0 : rises.sort((a, b) => a - b).reduce((sum, value) => sum + value, 0) / rises.length;
	const span = slow === undefined ? "" : ` within ${Math.max(1, Math.round((slow.time - slow.since) / 60))} minutes`;
	const signs = [
		rises.length > 0 ? `entropy rose by ${rise.toFixed(1)} bits a byte on average` : "their content is random now",
		renamed.length > 0 ? `${renamed.length} got another name (such as ${renamed[0]?.newPath})` : "",
	].filter((sign) => sign !== "");
	return {
		trigger: "mass-rewrite",
		// One folder may be an application that began to encrypt its own data; several are not.
		severity: folders.size > 1 ? "critical" : "warning",
		summary: `${plural(paths.length, "document")} in ${plural(folders.size, "folder")} rewritten as if encrypted${span}: ${signs.join(", ")}. First: ${list(paths, 3)}.`,
		files: paths.slice(0, MAX_CULPRITS),
		fileCount: paths.length,
		features: { documents: paths.length, folders: folders.size, renamed: renamed.length, entropyRise: rise },
	};
}
