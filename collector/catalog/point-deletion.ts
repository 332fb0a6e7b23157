/**
 * Deleting points. One synchronous batch ends the point: its `change` record goes and a `deleting` record comes. From
 * then on nobody sees its file changes; they are swept away behind it, and at the next start where that was cut short.
 */
import { UmbraError } from "../../common/errors.ts";
import { nowNs } from "../../common/units.ts";
import { changesetDigest, type LinkRecord } from "./chain.ts";
import { discardFiles } from "./file-changes.ts";
import { escapeComponent, keys, rangeBelow } from "./keys.ts";
import type { ChangesetRecord, VmRecord } from "./records.ts";
import type { LevelStore, Operation } from "./store.ts";

/** What became of a point that was to be deleted; all but the first leave everything as it was. */
export type PointOutcome = "deleted" | "absent" | "head" | "held" | "unjudged";

export async function deletePoints(
	store: LevelStore,
	vm: string,
	times: readonly bigint[],
	reason: string,
): Promise<PointOutcome[]> {
	await store.recover();
	const changesets = await store.getMany<ChangesetRecord>(times.map((time) => keys.change(vm, time)));
	const holds = await store.getMany<unknown>(times.map((time) => keys.hold(vm, time)));
	// Once judged, a changeset is not written again; a verdict that comes later would bring the point back.
	const unjudged = await store.getMany<unknown>(times.map((time) => keys.unjudged(vm, time)));
	// After the points: the head only moves on, so what is not it now never will be.
	const head = (await store.get<VmRecord>(keys.vm(vm)))?.headTime;
	const operations: Operation[] = [];
	const outcomes = times.map((time, at): PointOutcome => {
		const changeset = changesets[at];
		if (changeset === undefined) return "absent";
		if (head === time.toString()) return "head";
		if (holds[at] !== undefined) return "held";
		if (unjudged[at] !== undefined) return "unjudged";
		pushDeletion(operations, changeset);
		return "deleted";
	});
	const isDeleted = (_: unknown, at: number) => outcomes[at] === "deleted";
	await pushTombstones(operations, store, changesets.filter(isDeleted), reason);
	await finish(store, vm, times.filter(isDeleted), operations);
	return outcomes;
}

/** @throws UmbraError `conflict` where the VM has other points than its head, or that is held or not yet judged. */
export async function deleteVm(store: LevelStore, vm: string, reason: string): Promise<void> {
	await store.recover();
	const { items } = await store.page<ChangesetRecord>(rangeBelow("change", escapeComponent(vm)), { limit: 2 });
	const [head, another] = items.map(({ value }) => value);
	const operations: Operation[] = [{ type: "del", key: keys.vm(vm) }];
	if (head !== undefined) {
		const isBusy =
			another !== undefined ||
			(await store.has(keys.hold(vm, head.time))) ||
			(await store.has(keys.unjudged(vm, head.time)));
		if (isBusy) throw new UmbraError("conflict", `VM ${vm} has points that are held, not yet judged, or new`);
		pushDeletion(operations, head);
		await pushTombstones(operations, store, [head], reason);
	}
	await finish(store, vm, head === undefined ? [] : [BigInt(head.time)], operations);
}

function pushDeletion(operations: Operation[], { vm, time, id }: ChangesetRecord): void {
	operations.push(
		{ type: "put", key: keys.deleting(vm, time), value: { vm, time } },
		{ type: "del", key: keys.change(vm, time) },
		{ type: "del", key: keys.id(id) },
		{ type: "del", key: keys.imported(vm, time) },
		{ type: "del", key: keys.machineState(vm, time) },
		{ type: "del", key: keys.anomaly(time, vm) },
	);
}

/** What stays of the points in the hash chain: when they went, and why. */
async function pushTombstones(
	operations: Operation[],
	store: LevelStore,
	changesets: readonly (ChangesetRecord | undefined)[],
	reason: string,
): Promise<void> {
	const linked = changesets.flatMap((changeset) =>
		changeset?.chain === undefined ? [] : [{ changeset, mark: changeset.chain }],
	);
	const places = linked.map(({ changeset, mark }) => keys.link(changeset.vm, mark.sequence));
	const links = await store.getMany<LinkRecord>(places);
	const time = nowNs().toString();
	for (const [at, { changeset, mark }] of linked.entries()) {
		const link = links[at];
		// A link that is gone or another's is a break that the check shall go on to find.
		if (link === undefined || link.time !== changeset.time || link.dropped !== undefined) continue;
		const isAltered = link.digest !== changesetDigest(changeset, mark.files);
		const dropped = { time, reason, ...(isAltered ? { altered: true as const } : {}) };
		operations.push({ type: "put", key: places[at]!, value: { ...link, dropped } });
	}
}

async function finish(store: LevelStore, vm: string, times: readonly bigint[], operations: Operation[]): Promise<void> {
	if (operations.length === 0) return;
	await store.batch(operations);
	for (const time of times) await discardFiles(store, "deleting", vm, time);
}
