/** Which files of a machine the changed pages of its disks belong to, disk by disk as a changeset lists them. */
import { BLOCK_SIZE, PAGE_SIZE, PAGES_PER_BLOCK } from "../../common/block.ts";
import { isAbort, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Causes } from "../../disk/causes.ts";
import type { NamedSource } from "../../disk/disk.ts";
import { withJournals } from "../../disk/journals.ts";
import {
	type Attribution,
	type ChangedPages,
	type MachineChanges,
	mapMachineChanges,
	type VolumeSummary,
} from "../../disk/map/map.ts";
import { cacheSource } from "../../disk/source/cache.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import type { MachineTree } from "../../disk/tree.ts";
import { MAX_DISK_VOLUMES } from "../../proto/service.ts";
import type { AgentOperation } from "./block-index.ts";
import type { ChangeCauses, Interval } from "./change-causes.ts";
import { withHistory } from "./history.ts";
import type { MachineTrees } from "./machine-trees.ts";
import { summarise, type TreeSummary } from "./tree-summary.ts";

/** What the last captures left of the machines' files. */
export interface FileHistory {
	readonly trees: MachineTrees;
	readonly causes: ChangeCauses;
}

/** Of a disk, metadata and logs that are read for one capture: parsers ask for the same blocks more than once. */
const CACHE_BYTES = 8 * 1024 * 1024;

/** A disk of an open snapshot that was compared with what was known of it. */
export interface ComparedDisk {
	readonly name: string;
	/** Called "VM/disk". */
	readonly source: BlockSource;
	readonly changedBlocks: number;
	/** What changed; undefined where nothing was known of the disk before. */
	readonly pages: ChangedPages | undefined;
}

export interface DiskFindings {
	readonly attribution: Attribution;
	readonly volumes: readonly VolumeSummary[];
	/** What could not be read, and why, for people. */
	readonly problems: readonly string[];
}

export interface MachineFindings {
	/** By the disk's name; every disk has its own. */
	readonly disks: ReadonlyMap<string, DiskFindings>;
	/** Empty where there is nothing to compare with. */
	readonly files: MachineChanges["files"];
	/** Undefined where nothing is known of them. */
	readonly causes?: Causes | undefined;
	/** For the batch that makes the capture final. */
	readonly operations: readonly AgentOperation[];
	/** To be called once that batch is written. */
	readonly committed: () => void;
}

/**
 * Reads the tree of a machine and compares it with the last one; reads neither where nothing changed.
 *
 * @throws UmbraError `unavailable` where a disk cannot be read: what is on it never fails a capture.
 */
export async function findFileChanges(
	{ trees, causes }: FileHistory,
	vm: string,
	disks: readonly ComparedDisk[],
	interval: Interval,
	signal?: AbortSignal,
): Promise<MachineFindings> {
	const summary = await trees.summary(vm);
	if (summary !== undefined && isUnchanged(summary, disks)) return quiet(summary, disks);
	if (summary === undefined) await trees.clear(vm);
	const pages = new Map(disks.flatMap(({ name, pages: changed }) => (changed === undefined ? [] : [[name, changed]])));
	try {
		const before = await trees.before(vm);
		const sources = disks.map(({ name, source }) => ({
			name,
			source: cacheSource(source, { limitBytes: CACHE_BYTES }),
		}));
		const after = await trees.after(before, sources, wholeBlocks(pages), signal);
		const findings = await compare(vm, disks, pages, before?.log.tree, after, sources, signal);
		const found = await causes.find(vm, sources, findings.files, interval, signal);
		const next = trees.next(vm, before, after);
		const operations = [...next.operations, ...(found?.operations ?? [])];
		const told = withProblems(findings.disks, found?.causes.problems ?? []);
		return { ...findings, disks: told, causes: found?.causes, operations, committed: () => trees.stored(vm, next) };
	} catch (error) {
		// A broken snapshot or connection fails the capture; a machine that makes no sense does not.
		if (isAbort(error) || signal?.aborted === true || isUmbraError(error, "unavailable")) throw error;
		const committed = () => trees.forget(vm);
		return { ...unread(disks, treeProblem(error)), operations: trees.removal(vm), committed };
	}
}

/** Problems of the guest's own records belong to no disk: the first one tells them. */
function withProblems(
	disks: ReadonlyMap<string, DiskFindings>,
	problems: readonly string[],
): ReadonlyMap<string, DiskFindings> {
	const [first] = disks;
	if (first === undefined || problems.length === 0) return disks;
	const [name, findings] = first;
	return new Map([...disks, [name, { ...findings, problems: [...findings.problems, ...problems] }]]);
}

function isUnchanged(summary: TreeSummary, disks: readonly ComparedDisk[]): boolean {
	const sizes = new Map(summary.disks.map(({ name, size }) => [name, size]));
	return (
		sizes.size === disks.length &&
		disks.every(
			({ name, source, changedBlocks, pages }) =>
				changedBlocks === 0 && pages !== undefined && sizes.get(name) === source.size,
		)
	);
}

function quiet(summary: TreeSummary, disks: readonly ComparedDisk[]): MachineFindings {
	const findings = disks.map(({ name, pages }): [string, DiskFindings] => [
		name,
		{ attribution: unknownPages(pages), volumes: volumesOf(name, summary), problems: [] },
	]);
	return { disks: new Map(findings), files: [], operations: [], committed: () => {} };
}

function unread(disks: readonly ComparedDisk[], problem: string): Omit<MachineFindings, "operations" | "committed"> {
	const findings = disks.map(({ name, pages }): [string, DiskFindings] => [
		name,
		{ attribution: unknownPages(pages), volumes: [], problems: [problem] },
	]);
	return { disks: new Map(findings), files: [] };
}

async function compare(
	vm: string,
	disks: readonly ComparedDisk[],
	pages: ReadonlyMap<string, ChangedPages>,
	before: MachineTree | undefined,
	after: MachineTree,
	sources: readonly NamedSource[],
	signal: AbortSignal | undefined,
): Promise<Omit<MachineFindings, "operations" | "committed">> {
	const fresh = new Set(disks.filter((disk) => disk.pages === undefined).map(({ name }) => name));
	const trees = before === undefined ? { before: after, after } : withHistory(before, after, fresh);
	const changes = mapMachineChanges(trees.before, trees.after, pages);
	const journaled = await withJournals(changes.files, trees.before, trees.after, sources, signal);
	const attributions = new Map(changes.disks.map(({ name, attribution }) => [name, attribution]));
	const summary = summarise(after);
	const names = disks.map(({ name }) => name);
	const problems = new Map(names.map((name): [string, string[]] => [name, []]));
	for (const problem of [...after.problems, ...changes.problems, ...journaled.problems]) {
		for (const name of placesOf(problem, vm, names, summary)) problems.get(name)?.push(problem);
	}
	for (const name of names) {
		const count = summary.volumes.filter(({ disk }) => disk === name).length;
		if (count > MAX_DISK_VOLUMES)
			problems.get(name)?.push(`${count} volumes; the first ${MAX_DISK_VOLUMES} are listed`);
	}
	const findings = disks.map(({ name, pages: changed }): [string, DiskFindings] => [
		name,
		{
			attribution: attributions.get(name) ?? unknownPages(changed),
			volumes: volumesOf(name, summary),
			problems: problems.get(name) ?? [],
		},
	]);
	return { disks: new Map(findings), files: before === undefined ? [] : journaled.files };
}

/**
 * The pages of every block that has a changed one. Pages are told apart by checksums that a guest can forge; blocks are
 * not, and what the index is built on must not be.
 */
function wholeBlocks(pages: ReadonlyMap<string, ChangedPages>): Map<string, ChangedPages> {
	return new Map(
		[...pages].map(([name, { offsets }]) => {
			const blocks = [...new Set(offsets.map((offset) => Math.floor(offset / BLOCK_SIZE)))];
			const all = new Float64Array(blocks.length * PAGES_PER_BLOCK);
			for (const [at, block] of blocks.entries()) {
				for (let page = 0; page < PAGES_PER_BLOCK; page++) {
					all[at * PAGES_PER_BLOCK + page] = block * BLOCK_SIZE + page * PAGE_SIZE;
				}
			}
			const entropy = new Uint8Array(all.length); // Not looked at.
			return [name, { offsets: all, before: entropy, after: entropy }];
		}),
	);
}

function volumesOf(name: string, { volumes }: TreeSummary): VolumeSummary[] {
	return volumes
		.filter(({ disk }) => disk === name)
		.slice(0, MAX_DISK_VOLUMES)
		.map(({ disk: _, ...volume }) => volume);
}

/** The disks that a problem concerns: by what it names, else all. */
function placesOf(problem: string, vm: string, names: readonly string[], { volumes }: TreeSummary): readonly string[] {
	if (names.length === 1) return names;
	// Parsers begin with the name of what they read: "VM/disk#volume: ...".
	const named = names.filter((name) => [":", "#"].some((mark) => problem.includes(`${vm}/${name}${mark}`)));
	if (named.length > 0) return named;
	const holders = volumes.filter(({ id, kind }) =>
		problem.startsWith(id === "" ? `whole disk (${kind}): ` : `volume ${id} (${kind}): `),
	);
	return holders.length > 0 ? [...new Set(holders.map(({ disk }) => disk))] : names;
}

function unknownPages(pages: ChangedPages | undefined): Attribution {
	const bytes = (pages?.offsets.length ?? 0) * PAGE_SIZE;
	return { total: bytes, file: 0, directory: 0, journal: 0, metadata: 0, free: 0, unknown: bytes };
}

/** What to say where a tree cannot be read at all; the blocks are captured all the same. */
export function treeProblem(error: unknown): string {
	return error instanceof UmbraError ? error.message : `unexpected: ${messageOf(error)}`;
}
