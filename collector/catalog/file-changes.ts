/** File changes as keys: how they are written, and how those of a changeset that is no more are swept away. */
import { escapeComponent, keys, rangeBelow, timeComponent, unescapeComponent } from "./keys.ts";
import type { FileChangeRecord } from "./records.ts";
import type { LevelStore, Operation } from "./store.ts";

/** File changes in one batch: about 1 MiB of records. */
export const STAGE_FILES = 1000;

/** Why file changes without a changeset may be there: it never was, or it was deleted. */
type Marker = "staged" | "deleting";
const MARKERS: readonly Marker[] = ["staged", "deleting"];

export function pushFiles(
	operations: Operation[],
	vm: string,
	time: bigint,
	firstIndex: number,
	files: readonly FileChangeRecord[],
): void {
	for (const [at, file] of files.entries()) {
		const index = firstIndex + at;
		operations.push({ type: "put", key: keys.fileChange(vm, time, index), value: file });
		for (const path of pathsOf(file)) operations.push({ type: "put", key: keys.file(vm, path, time, index), value: 0 });
	}
}

/** Deletes the file changes of a changeset that is not there, then the marker that says so. */
export async function discardFiles(
	store: LevelStore,
	marker: Marker,
	vm: string,
	time: bigint | string,
): Promise<void> {
	const range = rangeBelow("filechange", escapeComponent(vm), timeComponent(time));
	let operations: Operation[] = [];
	for await (const { key, value } of store.all<FileChangeRecord>(range, STAGE_FILES)) {
		const index = Number(key.slice(range.prefix.length));
		operations.push({ type: "del", key });
		for (const path of pathsOf(value)) operations.push({ type: "del", key: keys.file(vm, path, time, index) });
		if (operations.length >= STAGE_FILES) {
			await store.batch(operations, { sync: false });
			operations = [];
		}
	}
	// Last, so that a sweep that is cut short is taken up again.
	operations.push({ type: "del", key: keys[marker](vm, time) });
	// LevelDB's log keeps the order: where the marker is gone, so is what went before it.
	await store.batch(operations, { sync: marker === "staged" });
}

/** Takes up what a killed process left. */
export async function sweepFiles(store: LevelStore): Promise<void> {
	for (const marker of MARKERS) {
		const range = rangeBelow(marker);
		for await (const { key } of store.all<unknown>(range)) {
			const [vm = "", time = ""] = key.slice(range.prefix.length).split("/");
			await discardFiles(store, marker, unescapeComponent(vm), time);
		}
	}
}

function pathsOf({ path, oldPath = path, via = [] }: FileChangeRecord): Set<string> {
	return new Set([path, oldPath, ...via]);
}
