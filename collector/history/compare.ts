/** Compares what a store has with what the model says. */
import assert from "node:assert/strict";
import { BLOCK_SIZE, blockCount, NAME_SIZE, nameFromHex } from "../../common/block.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { ChangesetRecord } from "../catalog/records.ts";
import { type Point, pointSource } from "../vault/point-source.ts";
import { readNames } from "../vault/tree.ts";
import type { Vault } from "../vault/vault.ts";
import { blockOf, nameOf } from "./contents.ts";
import type { ModelPoint, ModelVm } from "./model.ts";
import type { Store } from "./store.ts";

export interface PlacedBlock {
	readonly place: number;
	readonly name: Uint8Array;
	/** Bytes up to the zeroes that it ends in. */
	readonly length: number;
}

/** So many plain bytes of blocks that hold data, in their order. */
export type ReadBlocks = (vault: Vault, disk: Point, blocks: readonly PlacedBlock[]) => Promise<Uint8Array[]>;

const readSource: ReadBlocks = async (vault, disk, blocks) => {
	await using source = pointSource(vault, disk);
	const read: Uint8Array[] = [];
	for (const { place, length } of blocks) read.push(await source.read(place * BLOCK_SIZE, length));
	return read;
};

export function treeOf({ root, sizeBytes }: { readonly root: string; readonly sizeBytes: number }) {
	return { root: nameFromHex(root), blocks: blockCount(sizeBytes) };
}

/** While nothing is under way: the model takes over what was open. @throws AssertionError where they differ. */
export async function settle(catalog: Catalog, vms: readonly ModelVm[]): Promise<void> {
	// Or what a failed batch brought to the disk all the same would not be seen yet.
	await catalog.recover();
	for (const vm of vms) {
		const { items } = await catalog.changesets(vm.name);
		const holds = (await catalog.holds(vm.name)).items;
		const alerts = await catalog.firingAlerts(vm.name);
		vm.settle({
			points: items.map(({ time, id }) => ({ time: BigInt(time), id })),
			held: new Set(holds.map(({ time }) => BigInt(time))),
			unjudged: new Set(await catalog.unjudgedTimes(vm.name)),
			alerts: alerts.map(({ changesetTime }) => BigInt(changesetTime)),
		});
	}
}

/** While nothing is under way: every point has the files and reads as the model says. */
export async function verifyPoints({ catalog, vault }: Store, vms: readonly ModelVm[]): Promise<void> {
	/** A name stands for its bytes: once they were read, they were read for all. */
	const read = new Set<number>();
	for (const { name, points, going } of vms) {
		for (const point of points) {
			const record = await catalog.changeset(name, point.time);
			if (record === undefined && going.has(point)) continue;
			assert.ok(record, `${name}@${point.time} is lost`);
			await verifyDisks(vault, point, record, { isRead: read });
			const paths: string[] = [];
			for (let cursor: string | undefined; ; ) {
				const page = await catalog.fileChanges(name, point.time, { cursor });
				for (const { path } of page.items) paths.push(path);
				if (page.next === null) break;
				cursor = page.next;
			}
			assert.deepEqual(paths, point.files, `files of ${name}@${point.time}`);
		}
	}
}

export interface VerifyDisksOptions {
	/** Contents that were read already, and need not be again; grows. */
	readonly isRead?: Set<number>;
	readonly read?: ReadBlocks;
}

/** The point has to be there, or its disks pinned. */
export async function verifyDisks(
	vault: Vault,
	point: ModelPoint,
	record: ChangesetRecord,
	{ isRead = new Set(), read = readSource }: VerifyDisksOptions = {},
): Promise<void> {
	assert.deepEqual(
		record.disks.map(({ disk, sizeBytes }) => [disk, sizeBytes]),
		[...point.disks].map(([disk, { blocks }]) => [disk, blocks * BLOCK_SIZE]),
	);
	for (const { disk, root, sizeBytes } of record.disks) {
		const { blocks, contents } = point.disks.get(disk)!;
		const name = `${point.vm}@${point.time}/${disk}`;
		const names = Buffer.from(await readNames(vault, treeOf({ root, sizeBytes }), 0, blocks));
		const wanted = Buffer.alloc(blocks * NAME_SIZE);
		for (const [place, content] of contents) wanted.set(nameOf(content), place * NAME_SIZE);
		assert.ok(names.equals(wanted), `${name}: other blocks`);
		const unread = new Map<number, PlacedBlock>();
		for (const [place, content] of contents) {
			if (!isRead.has(content))
				unread.set(content, { place, name: nameOf(content), length: blockOf(content).data.length });
			isRead.add(content);
		}
		const found = await read(vault, { root: nameFromHex(root), sizeBytes, name }, [...unread.values()]);
		for (const [at, [content, { place }]] of [...unread].entries()) {
			const { data } = blockOf(content);
			assert.equal(Buffer.compare(found[at]!, data), 0, `${name}, block ${place}: other bytes`);
		}
	}
}
