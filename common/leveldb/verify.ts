/**
 * `common/leveldb/` reads the files of a LevelDB, and tells what of them is not as LevelDB wrote it. LevelDB can verify
 * them itself, but not by way of `classic-level`, which leaves `paranoid_checks` and `verify_checksums` off: a damaged
 * record of a log is then dropped together with what follows it, and of a damaged table other values are read, older
 * ones, or none. Nothing here writes.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, isUmbraError, UmbraError } from "../errors.ts";
import type { FileDamage } from "./damage.ts";
import { readLog } from "./log.ts";
import { parseManifest, type Version } from "./manifest.ts";
import { tableDamage } from "./table.ts";

export interface SoundOptions extends VerifyOptions {
	/** Such as "the catalog". */
	readonly what: string;
	readonly hint: string;
}

/**
 * To be called before LevelDB has it, which passes over what is damaged, or ends the process over it, and writes the rest anew.
 *
 * @throws UmbraError `corrupt` where anything of a database's files is not what was written; what the operating system says.
 */
export async function assertSound(folder: string, { what, hint, ...options }: SoundOptions): Promise<void> {
	const { damage } = await verifyFiles(folder, options);
	const [first] = damage;
	if (first === undefined) return;
	const { file, offset, structure, message } = first;
	const path = join(folder, file);
	const more = damage.length > 1 ? ` (and ${damage.length - 1} more places)` : "";
	throw new UmbraError("corrupt", `${what} is damaged: ${path}, byte ${offset}: ${message}${more}`, {
		context: { path, offset, structure },
		hint,
	});
}

/** Stands alone while LevelDB makes a database; when it has opened it for the first time there is another. */
const FIRST_MANIFEST = "MANIFEST-000001";
/** At the files of a database that changes meanwhile. */
const MAX_LOOKS = 5;

export type { FileDamage } from "./damage.ts";

export interface VerifyOptions {
	/** Without, only what tells which tables there are, and the logs. */
	readonly tables: boolean;
	readonly signal?: AbortSignal | undefined;
}

export interface VerifiedFiles {
	readonly files: number;
	readonly bytes: number;
	readonly damage: readonly FileDamage[];
}

/**
 * Verifies the files of a database, which may be open meanwhile. A folder that is not there or has no database has no damage.
 *
 * @throws what the operating system says, and the signal's reason.
 */
export async function verifyFiles(folder: string, options: VerifyOptions): Promise<VerifiedFiles> {
	for (let look = 1; ; look++) {
		const { isMissing, ...found } = await lookAt(folder, options);
		// One that is open makes new files, and then removes old ones.
		if (look === MAX_LOOKS || !isMissing) return found;
	}
}

async function lookAt(
	folder: string,
	{ tables, signal }: VerifyOptions,
): Promise<VerifiedFiles & { readonly isMissing: boolean }> {
	const damage: FileDamage[] = [];
	let [files, bytes, isMissing] = [0, 0, false];
	const read = async (file: string): Promise<Buffer | undefined> => {
		signal?.throwIfAborted();
		const content = await readFile(join(folder, file)).catch(absent);
		if (content !== undefined) files++;
		bytes += content?.length ?? 0;
		return content;
	};
	const miss = (file: string, message = "it is not there"): void => {
		isMissing = true;
		damage.push({ file, offset: 0, structure: file === "CURRENT" ? "current" : "file", message });
	};
	const list = async () => (await readdir(folder).catch(absent)) ?? [];
	const version = await readVersion(list, read, miss, damage);
	if (version === undefined) return { files, bytes, damage, isMissing };
	const numbered = (await list()).flatMap((name) => {
		const match = /^(\d+)\.(log|ldb|sst)$/.exec(name);
		return match === null ? [] : [{ name, number: Number(match[1]), isLog: match[2] === "log" }];
	});
	const logs = numbered.filter(({ number, isLog }) => isLog && number >= version.log);
	// Of a database that was never opened to its end there is none.
	if (logs.length === 0 && version.log > 0) miss(`${padded(version.log)}.log`);
	for (const { name } of logs) {
		const content = await read(name);
		const found = content === undefined ? undefined : readLog(content, "log").damage;
		if (found !== undefined) damage.push({ file: name, structure: "log record", ...found });
	}
	const nameOf = new Map(numbered.filter(({ isLog }) => !isLog).map(({ name, number }) => [number, name]));
	for (const [number, size] of version.tables) {
		const file = nameOf.get(number) ?? `${padded(number)}.ldb`;
		if (!tables && nameOf.has(number)) continue;
		const content = await read(file);
		if (content === undefined) miss(file);
		else if (content.length !== size) {
			damage.push({ file, offset: 0, structure: "file", message: `${content.length} bytes, wanted ${size}` });
		} else {
			const found = tableDamage(content);
			if (found !== undefined) damage.push({ file, ...found });
		}
	}
	return { files, bytes, damage, isMissing };
}

/** Undefined where there is no database, and where it cannot be told what is part of it. */
async function readVersion(
	list: () => Promise<string[]>,
	read: (file: string) => Promise<Buffer | undefined>,
	miss: (file: string, message: string) => void,
	damage: FileDamage[],
): Promise<Version | undefined> {
	const current = (await read("CURRENT"))?.toString("latin1");
	if (current === undefined) {
		// LevelDB would begin a new one, and remove what is left of this one.
		const left = (await list()).find((name) => name !== FIRST_MANIFEST && /^MANIFEST-|\.(ldb|sst|log)$/.test(name));
		if (left !== undefined) miss("CURRENT", `it is not there, but ${left} is`);
		return undefined;
	}
	const name = /^(MANIFEST-\d+)\n$/.exec(current)?.[1];
	if (name === undefined) {
		const message = `${JSON.stringify(current.slice(0, 40))}, wanted the name of a MANIFEST`;
		damage.push({ file: "CURRENT", offset: 0, structure: "current", message });
		return undefined;
	}
	const manifest = await read(name);
	if (manifest === undefined) {
		miss("CURRENT", `it names ${name}, which is not there`);
		return undefined;
	}
	const { records, damage: found } = readLog(manifest, "manifest");
	if (found !== undefined) {
		damage.push({ file: name, structure: "log record", ...found });
		return undefined;
	}
	try {
		return parseManifest(records);
	} catch (error) {
		if (!isUmbraError(error)) throw error;
		damage.push({ file: name, offset: 0, structure: "file", message: error.message });
		return undefined;
	}
}

function padded(number: number): string {
	return number.toString().padStart(6, "0");
}

function absent(error: unknown): undefined {
	if (errnoOf(error) !== "ENOENT") throw error;
	return undefined;
}
