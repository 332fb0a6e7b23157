/**
 * `import/` takes over snapshots of a VM that were there before, or beside, what an agent captures: it finds the states of
 * disks in images (`images.ts`), makes points of them (`plan.ts`), and captures one after another as an agent would, except
 * that the machine is a snapshot served by `qemu-nbd` (`snapshot-machine.ts`) and that it says so.
 *
 * Words: a *state* is one disk at one time, as an image has it; a *point* is all disks of a VM at one time; a *line* is what
 * is remembered of the last point, so that the next is told by what differs from it (`line.ts`); to *recall* is to read a
 * point again that the collector has, for that end alone.
 *
 * An import ends when its points are there. Cut anywhere, the same import goes on with the first that is not: what a
 * point is called follows from what it is of, so that it is known again.
 */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { makeFolders } from "../../common/folders.ts";
import type { Logger } from "../../common/log.ts";
import type { CaptureResult } from "../capture/capture.ts";
import { HashPoolLease } from "../capture/hash-pool-lease.ts";
import { loadAgentId } from "../uplink/identity.ts";
import type { Link } from "../uplink/link.ts";
import { Delivery } from "./delivery.ts";
import { Line, type LineName, type LineOptions, removeLine } from "./line.ts";
import { type PlannedPoint, TIME_STEP_NS } from "./plan.ts";
import { askForPoint, askForShadow, type KnownPoint, type Shadow } from "./shadow.ts";

/** Verdicts come within moments; a collector that has much to judge is not waited for. */
const VERDICT_MS = 30_000;
const VERDICT_LOOK_MS = 250;

export interface ImportOptions {
	readonly vm: string;
	/** Oldest first, as `planPoints` makes them. */
	readonly points: readonly PlannedPoint[];
	readonly link: Link;
	/** Connections of the link for chunks. */
	readonly connections: number;
	/** What is remembered of this VM between imports; made where it is not there. */
	readonly folder: string;
	/** This host's name, for people. */
	readonly host: string;
	/** Hashing threads. */
	readonly threads: number;
	/** What may wait for the collector at a time. */
	readonly spoolBytes: number;
	readonly log: Logger;
	readonly signal: AbortSignal;
	readonly onEvent: (event: ImportEvent) => void;
}

export interface Outcome {
	readonly point: PlannedPoint;
	/** `there`: it was there already. */
	readonly state: "there" | "imported" | "failed";
	/** As the collector has it; undefined where it failed. */
	readonly known: KnownPoint | undefined;
	/** What was read; undefined where it was there, or failed. */
	readonly result: CaptureResult | undefined;
	/** The point that its changes are told against; undefined: none, it is told as a whole. */
	readonly base: KnownPoint | undefined;
	readonly error: UmbraError | undefined;
}

export type ImportEvent =
	/** A point is read; `recall`: only to tell the next one by what differs from it. */
	| { readonly kind: "begin"; readonly point: PlannedPoint; readonly recall: boolean }
	| { readonly kind: "progress"; readonly disk: string; readonly done: number; readonly total: number }
	| { readonly kind: "end"; readonly outcome: Outcome }
	| { readonly kind: "warning"; readonly message: string };

/**
 * Imports the points that are not there yet, oldest first. One that cannot be read does not stop the others.
 *
 * @throws UmbraError where nothing more can be imported: `conflict` where another import of the VM runs, `denied`,
 * `unavailable` where the collector is away for long; the signal's reason.
 */
export async function importPoints(options: ImportOptions): Promise<Outcome[]> {
	await using resources = new AsyncDisposableStack();
	const run = new Import(options, resources);
	return await run.run();
}

class Import {
	readonly #options: ImportOptions;
	readonly #resources: AsyncDisposableStack;
	readonly #outcomes: Outcome[] = [];
	/** What the collector has, by id: as it was at the start, and what came since. */
	#there!: Map<string, KnownPoint>;

	constructor(options: ImportOptions, resources: AsyncDisposableStack) {
		this.#options = options;
		this.#resources = resources;
	}

	async run(): Promise<Outcome[]> {
		const { vm, folder, host, threads, spoolBytes, log, points } = this.#options;
		makeFolder(folder);
		const agentId = await loadAgentId(folder);
		const hashing = this.#resources.use(new HashPoolLease(threads));
		const lines: LineOptions = { folder, vm, agentId, host, hashing, spoolBytes, log };
		const main = this.#resources.use(await this.#open("main", lines));
		const hasOlder = await exists(join(folder, "older"));
		const older = hasOlder ? this.#resources.use(await this.#open("older", lines)) : undefined;
		let shadow = await this.#shadow();
		this.#there = new Map(shadow.points);

		for (const point of points) if (this.#there.has(point.id)) this.#end({ point, state: "there" });
		const missing = points.filter(({ id }) => !this.#there.has(id));
		const newest = await this.#headOf(main);
		const before = missing.filter(({ timeNs }) => newest !== undefined && timeNs < newest.timeNs);
		if (before.length > 0) {
			const line = older ?? this.#resources.use(await this.#open("older", lines));
			await this.#follow(line, before);
		}
		await this.#follow(
			main,
			missing.filter((point) => !before.includes(point)),
		);
		shadow = await this.#shadow();
		const head = await main.line.head();
		if (head !== undefined && head.id === shadow.headId) await main.line.ready(head.id);
		await this.#resources.disposeAsync();
		await removeLine(folder, "older");
		return await this.#judged();
	}

	/** Opens a line and brings what an earlier import left in its spool. */
	async #open(name: LineName, options: LineOptions): Promise<OpenLine> {
		await using opened = new AsyncDisposableStack();
		const { link, connections, log, signal } = this.#options;
		const line = opened.use(await Line.open(name, options));
		const delivery = opened.use(Delivery.start({ link, connections, spool: line.spool, log }));
		for (const { id } of line.spool.changesets()) {
			// It is read again, and what came of it is told then.
			if ((await delivery.delivered(id, signal)) !== undefined) await line.forget();
		}
		const owned = opened.move();
		return { line, delivery, lastRead: undefined, [Symbol.asyncDispose]: () => owned.disposeAsync() };
	}

	async #shadow(): Promise<Shadow> {
		const { link, vm, signal } = this.#options;
		return await askForShadow(link, vm, signal);
	}

	/** What a line stands at, as the collector has it; a line at something that went begins anew. */
	async #headOf({ line }: OpenLine): Promise<KnownPoint | undefined> {
		const head = await line.head();
		const known = head === undefined ? undefined : this.#there.get(head.id);
		if (head !== undefined && known === undefined) await line.forget();
		return known;
	}

	async #follow(line: OpenLine, points: readonly PlannedPoint[]): Promise<void> {
		for (const point of points) {
			this.#options.signal.throwIfAborted();
			try {
				await this.#import(line, point);
			} catch (error) {
				this.#options.signal.throwIfAborted();
				line.delivery.failed.throwIfAborted();
				throwOnBroken(error);
				// Of what was read in part nothing counts.
				line.lastRead = undefined;
				this.#end({ point, state: "failed", error: error as UmbraError });
			}
		}
	}

	async #import(open: OpenLine, point: PlannedPoint): Promise<void> {
		const { vm, link, signal } = this.#options;
		const { line, delivery } = open;
		for (let attempt = 0; ; attempt++) {
			const base = attempt === 0 ? await this.#base(open, point) : await this.#without(open);
			const earliest = base === undefined ? 0n : base.timeNs + TIME_STEP_NS;
			const timeNs = point.timeNs < earliest ? earliest : point.timeNs;
			this.#options.onEvent({ kind: "begin", point, recall: false });
			const since = open.lastRead?.id === base?.id ? open.lastRead : undefined;
			const result = await line.capture(point, timeNs, this.#reading(open, since));
			open.lastRead = point;
			const turned = await delivery.delivered(point.id, signal);
			if (turned === undefined) {
				const known = await askForPoint(link, vm, { id: point.id, fromNs: timeNs }, signal);
				if (known !== undefined) this.#there.set(known.id, known);
				this.#end({ point, state: "imported", known, result, base });
				return;
			}
			await line.forget();
			open.lastRead = undefined;
			if (turned.isRefused || attempt > 0) {
				throw new UmbraError("conflict", `${point.name}: the collector does not take it: ${turned.reason}`);
			}
			this.#warn(`${point.name}: told as a whole, as ${turned.reason}`);
		}
	}

	/** The point that the next one is told against; the line then stands at it. */
	async #base(open: OpenLine, point: PlannedPoint): Promise<KnownPoint | undefined> {
		const { points } = this.#options;
		const head = await this.#headOf(open);
		const planned = points.findLast(({ id, timeNs }) => timeNs < point.timeNs && this.#there.has(id));
		const before = planned === undefined ? undefined : this.#there.get(planned.id);
		const isUsable = head !== undefined && head.timeNs < point.timeNs;
		if (isUsable && (before === undefined || before.timeNs <= head.timeNs)) return head;
		if (planned === undefined || before === undefined) return await this.#without(open);
		this.#options.onEvent({ kind: "begin", point: planned, recall: true });
		try {
			if (await open.line.recall(planned, before, this.#reading(open, undefined))) {
				open.lastRead = planned;
				return before;
			}
			this.#warn(`${point.name}: told as a whole, as ${planned.name} is no longer what was imported`);
		} catch (error) {
			this.#options.signal.throwIfAborted();
			open.delivery.failed.throwIfAborted();
			throwOnBroken(error);
			this.#warn(`${point.name}: told as a whole, as ${planned.name} cannot be read any more: ${messageOf(error)}`);
		}
		return await this.#without(open);
	}

	async #without(open: OpenLine): Promise<undefined> {
		open.lastRead = undefined;
		if ((await open.line.head()) !== undefined) await open.line.forget();
	}

	#reading({ delivery }: OpenLine, since: PlannedPoint | undefined) {
		const signal = AbortSignal.any([this.#options.signal, delivery.failed]);
		const onProgress = (disk: string, done: number, total: number) =>
			this.#options.onEvent({ kind: "progress", disk, done, total });
		return { signal, onProgress, since };
	}

	#end({ point, state, ...more }: Pick<Outcome, "point" | "state"> & Partial<Outcome>): void {
		const known = more.known ?? this.#there.get(point.id);
		const outcome: Outcome = { result: undefined, base: undefined, error: undefined, ...more, known, point, state };
		this.#outcomes.push(outcome);
		this.#options.onEvent({ kind: "end", outcome });
	}

	#warn(message: string): void {
		this.#options.onEvent({ kind: "warning", message });
	}

	/** The outcomes in order of time, with the verdicts as far as they come soon. */
	async #judged(): Promise<Outcome[]> {
		const { points, signal } = this.#options;
		const deadline = performance.now() + VERDICT_MS;
		let shadow = await this.#shadow();
		const isOpen = ({ state, point }: Outcome) => state === "imported" && !shadow.points.get(point.id)?.verdict;
		while (this.#outcomes.some(isOpen) && performance.now() < deadline) {
			await sleep(VERDICT_LOOK_MS, undefined, { signal });
			shadow = await this.#shadow();
		}
		const place = new Map(points.map(({ id }, at) => [id, at]));
		return this.#outcomes
			.map((outcome) => ({ ...outcome, known: shadow.points.get(outcome.point.id) ?? outcome.known }))
			.sort((a, b) => (place.get(a.point.id) ?? 0) - (place.get(b.point.id) ?? 0));
	}
}

interface OpenLine extends AsyncDisposable {
	readonly line: Line;
	readonly delivery: Delivery;
	/** Read in this run, and what the line stands at. */
	lastRead: PlannedPoint | undefined;
}

/** What is not about one snapshot ends the import. */
function throwOnBroken(error: unknown): void {
	if (isUmbraError(error) && !isUmbraError(error, "denied", "internal")) return;
	if (errnoOf(error)?.startsWith("LEVEL_")) {
		throw new UmbraError("unavailable", `what was imported cannot be kept: ${messageOf(error)}`, {
			cause: error,
			hint: "is the disk of the state folder full or failing? --state names another",
		});
	}
	throw error;
}

function makeFolder(folder: string): void {
	try {
		makeFolders(folder, 0o700);
	} catch (error) {
		throw new UmbraError("unavailable", `cannot make ${folder}: ${messageOf(error)}`, {
			cause: error,
			context: { path: folder },
			hint: "--state names another folder",
		});
	}
}

async function exists(path: string): Promise<boolean> {
	return await access(path).then(
		() => true,
		() => false,
	);
}
