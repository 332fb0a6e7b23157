/**
 * Writes rendered files into a folder that may hold an operator's own. What was written, and under which names things went into
 * Grafana, stands in a file beside them: only files that are as they were written are written anew or taken away, and what is no
 * longer rendered is named to Grafana for deletion.
 */
import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { checkConfig } from "../common/config.ts";
import { errnoOf, messageOf, UmbraError } from "../common/errors.ts";
import { makeFolders } from "../common/folders.ts";
import { ruleGroups } from "./alerting/rules.ts";
import { type Earlier, muteTimesOf, NOTHING_EARLIER, receiversOf, renderFiles } from "./render.ts";
import type { GrafanaSettings } from "./settings.ts";

/** In the folder itself, where Grafana does not look. */
const RECORD = "umbra-rendered.json";
/** Beside it: Grafana does not start when there is a file of another ending among its alerting files. */
const DRAFT = ".umbra-draft";

const record = z.strictObject({
	version: z.literal(1),
	/** SHA-256 of each file as it was written, by its path in the folder. */
	files: z.record(z.string(), z.string()),
	/** Everything that was ever rendered here. */
	rules: z.array(z.string()),
	receivers: z.array(z.string()),
	muteTimes: z.array(z.string()),
});
type RenderRecord = z.output<typeof record>;

export interface Written {
	readonly written: readonly string[];
	readonly unchanged: readonly string[];
	readonly removed: readonly string[];
}

/**
 * @param force overwrites files that are not as they were written; never removes such.
 * @throws UmbraError `conflict` where a file to be written is not of this command, `bad-config` where its record is damaged,
 *   `unavailable` where files cannot be read or written. Nothing is written then.
 */
export async function writeRendered(folder: string, settings: GrafanaSettings, force: boolean): Promise<Written> {
	const before = await readRecord(folder);
	const files = renderFiles(settings, before ?? NOTHING_EARLIER);
	const known = before?.files ?? {};
	const found = new Map<string, string>();
	for (const path of new Set([...files.keys(), ...Object.keys(known)])) {
		const text = await readIfThere(join(folder, path));
		if (text !== undefined) found.set(path, text);
	}
	const foreign = [...files.keys()].filter((path) => {
		const text = found.get(path);
		return text !== undefined && text !== files.get(path) && known[path] !== hashOf(text);
	});
	if (foreign.length > 0 && !force) throw refusal(folder, foreign, known);
	const written = [...files].filter(([path, text]) => found.get(path) !== text);
	for (const [path, text] of written) await replace(folder, path, text);
	const removed = Object.keys(known).filter((path) => !files.has(path) && found.get(path) !== undefined);
	const ours = removed.filter((path) => known[path] === hashOf(found.get(path)!));
	for (const path of ours) await rm(join(folder, path));
	await replace(folder, RECORD, `${JSON.stringify(nextRecord(before, settings, files), null, "\t")}\n`);
	return {
		written: written.map(([path]) => path),
		unchanged: [...files.keys()].filter((path) => found.get(path) === files.get(path)),
		removed: ours,
	};
}

function refusal(folder: string, foreign: readonly string[], known: RenderRecord["files"]): UmbraError {
	const [first] = foreign;
	const why =
		first !== undefined && first in known ? "was changed since it was rendered" : "was not made by this command";
	const more = foreign.length > 1 ? `, nor were ${foreign.length - 1} more` : "";
	return new UmbraError("conflict", `${join(folder, first ?? "")} ${why}${more}; nothing was written`, {
		context: { path: folder, found: foreign },
		hint: "move it away, render into another folder, or overwrite it with --force",
	});
}

function nextRecord(
	before: RenderRecord | undefined,
	settings: GrafanaSettings,
	files: ReadonlyMap<string, string>,
): RenderRecord {
	const together = (earlier: readonly string[] = [], current: readonly string[]) =>
		[...new Set([...earlier, ...current])].sort();
	const rules = ruleGroups(settings).flatMap((group) => group.rules.map(({ uid }) => uid));
	return {
		version: 1,
		files: Object.fromEntries([...files].map(([path, text]) => [path, hashOf(text)])),
		rules: together(before?.rules, rules),
		receivers: together(before?.receivers, receiversOf(settings)),
		muteTimes: together(before?.muteTimes, muteTimesOf(settings)),
	} satisfies RenderRecord & Earlier;
}

async function readRecord(folder: string): Promise<RenderRecord | undefined> {
	const path = join(folder, RECORD);
	const text = await readIfThere(path);
	if (text === undefined) return undefined;
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw new UmbraError("bad-config", `${path}: not JSON: ${messageOf(error)}`, {
			cause: error,
			context: { path },
			hint: "it is this command's own record; without it, rules that are no more stay in Grafana. Restore it, or remove it and use --force",
		});
	}
	return checkConfig(record, value, path);
}

async function readIfThere(path: string): Promise<string | undefined> {
	try {
		return await readFile(path, "utf8");
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return undefined;
		throw new UmbraError("unavailable", `cannot read ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path },
		});
	}
}

/** Whole or not at all, as Grafana may read at any time. */
async function replace(folder: string, name: string, text: string): Promise<void> {
	const [path, draft] = [join(folder, name), join(folder, DRAFT)];
	try {
		makeFolders(dirname(path));
		await writeFile(draft, text);
		await rename(draft, path);
	} catch (error) {
		await rm(draft, { force: true }).catch(() => {});
		throw new UmbraError("unavailable", `cannot write ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path },
		});
	}
}

function hashOf(text: string): string {
	return createHash("sha256").update(text).digest("hex");
}
