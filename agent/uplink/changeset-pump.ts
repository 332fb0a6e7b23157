/** Submits the spool's changesets in order, each once its chunks are there, and acts upon the answers. */
import { NAME_SIZE } from "../../common/block.ts";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { v1, type wire } from "../../proto/service.ts";
import type { PendingChangeset, Spool } from "../spool/spool.ts";
import type { Link } from "./link.ts";
import { writeToStream } from "./stream.ts";

/** A first capture of a large disk is many thousand parts, and the collector looks up every chunk. */
const SUBMIT_DEADLINE_MS = 10 * 60_000;
/** A collector that misses chunks again and again although it acknowledged them will not come to have them. */
const MAX_MISSING_ANSWERS = 5;

export interface ChangesetPumpOptions {
	readonly link: Link;
	readonly spool: Spool;
	/** @param isRefused true: what was sent is not wanted, whatever it builds upon. */
	readonly onBaseLost: (vm: string, reason: string, isRefused: boolean) => Promise<void>;
	readonly log: Logger;
	/** Called whenever the collector has answered. */
	readonly onProgress: () => void;
}

/** Runs until the signal is aborted. @throws UmbraError where anything fails. */
export async function pumpChangesets(options: ChangesetPumpOptions, signal: AbortSignal): Promise<void> {
	const { spool } = options;
	/** VMs whose base is being given up: theirs wait, others go on. */
	const losing = new Map<string, Promise<void>>();
	const lose = (vm: string, reason: string, isRefused = false) => {
		const work = loseBase(options, vm, reason, isRefused).finally(() => {
			losing.delete(vm);
			spool.changed.notify();
		});
		// A spool that cannot forget them submits them again: the same answer brings it back here.
		work.catch((error) => options.log.error({ err: error, vm }, "could not drop the changesets of a VM"));
		losing.set(vm, work);
	};
	let missingAnswers = 0;
	let missedBy = 0n;
	for (;;) {
		signal.throwIfAborted();
		const changeset = spool.changesets().find((candidate) => !losing.has(candidate.vm));
		if (changeset === undefined || spool.chunkHead < changeset.chunkPosition) {
			await spool.changed.wait(signal);
			continue;
		}
		if (changeset.sequence !== missedBy) missingAnswers = 0;
		const result = await submit(options, changeset, signal);
		options.onProgress();
		switch (result.status) {
			case v1.SubmitStatus.SUBMIT_STATUS_ACCEPTED:
			case v1.SubmitStatus.SUBMIT_STATUS_DUPLICATE:
				await spool.acknowledge(changeset.sequence);
				break;
			case v1.SubmitStatus.SUBMIT_STATUS_MISSING: {
				missedBy = changeset.sequence;
				const last = lastPosition(spool, result.missing ?? new Uint8Array());
				if (last === undefined || ++missingAnswers >= MAX_MISSING_ANSWERS) {
					lose(changeset.vm, "the collector lacks chunks that the spool does not hold");
					break;
				}
				// They were added again by a later capture: the chunk pump is about to bring them.
				while (spool.chunkHead <= last) await spool.changed.wait(signal);
				break;
			}
			case v1.SubmitStatus.SUBMIT_STATUS_BASE_UNKNOWN:
				lose(changeset.vm, result.message || "the collector does not know the base of the changeset");
				break;
			case v1.SubmitStatus.SUBMIT_STATUS_REFUSED:
				lose(changeset.vm, result.message || "the collector refused the changeset", true);
				break;
			default:
				throw new UmbraError("unsupported", `the collector answered a changeset with status ${result.status}`, {
					context: { structure: "SubmitResult", field: "status", found: result.status },
				});
		}
	}
}

/** The last position of these chunks; undefined where one is not held, or none is named. */
function lastPosition(spool: Spool, names: Uint8Array): number | undefined {
	let last: number | undefined;
	for (let at = 0; at + NAME_SIZE <= names.length; at += NAME_SIZE) {
		const position = spool.positionOf(names.subarray(at, at + NAME_SIZE));
		if (position === undefined) return undefined;
		last = Math.max(last ?? 0, position);
	}
	return last;
}

/**
 * The agent first, then the spool: what a capture that was under way staged upon the lost base goes too. Killed in
 * between, the collector's answer to what is left leads here again.
 */
async function loseBase(
	{ spool, onBaseLost, log }: ChangesetPumpOptions,
	vm: string,
	reason: string,
	isRefused: boolean,
): Promise<void> {
	try {
		await onBaseLost(vm, reason, isRefused);
	} catch (error) {
		log.error({ err: error, vm }, "could not begin a VM anew; its next changeset brings it up again");
	}
	const dropped = await spool.dropVm(vm);
	log.warn({ vm, reason, dropped }, "the collector cannot build on what it has of this VM: capturing it anew");
}

async function submit(
	{ link, spool }: ChangesetPumpOptions,
	changeset: PendingChangeset,
	signal: AbortSignal,
): Promise<wire.v1.ISubmitResult> {
	const { stream, result } = link.submit(SUBMIT_DEADLINE_MS);
	const answered = new AbortController();
	result.then(
		() => answered.abort(),
		() => answered.abort(),
	);
	const cancel = () => stream.cancel();
	signal.addEventListener("abort", cancel, { once: true });
	try {
		for await (const part of spool.parts(changeset, signal)) {
			// The collector may answer before it has read everything.
			if (answered.signal.aborted) return await result;
			await writeToStream(stream, Buffer.from(part.buffer, part.byteOffset, part.length), answered.signal);
		}
		stream.end();
		return await result;
	} catch (error) {
		stream.cancel();
		signal.throwIfAborted();
		if (isUmbraError(error, "corrupt", "not-found")) {
			return { status: v1.SubmitStatus.SUBMIT_STATUS_REFUSED, message: `lost in the spool: ${messageOf(error)}` };
		}
		throw error;
	} finally {
		signal.removeEventListener("abort", cancel);
	}
}
