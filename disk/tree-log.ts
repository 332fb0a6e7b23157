/**
 * A tree as it is kept from capture to capture: encoded once as a whole, then as what changed, until the changes are
 * worth a new beginning.
 */
import type { MachineTree } from "./tree.ts";
import { applyTreeDelta, decodeMachineTree, encodeMachineTree, encodeTreeDelta, nameOfPart } from "./tree-codec.ts";

/** Deltas may grow to this part of their base: between reading twice and writing twice. */
const MAX_DELTA_SHARE = 1 / 2;
/** Below, a new base costs nothing worth saving. */
const SMALL_DELTAS = 64 * 1024;
/** Each delta is a record to find and to apply. */
const MAX_DELTAS = 256;

/** What is to be stored beside, or where it is a base instead of, the parts before. */
export interface TreePart {
	readonly isBase: boolean;
	/** Place among the parts: 0 is the base. */
	readonly index: number;
	readonly bytes: Uint8Array;
}

export class TreeLog {
	readonly tree: MachineTree;
	/** The name of the last part. */
	readonly #last: Uint8Array;
	readonly #baseBytes: number;
	readonly #deltaBytes: number;
	readonly #deltas: number;

	private constructor(tree: MachineTree, last: Uint8Array, baseBytes: number, deltaBytes: number, deltas: number) {
		this.tree = tree;
		this.#last = last;
		this.#baseBytes = baseBytes;
		this.#deltaBytes = deltaBytes;
		this.#deltas = deltas;
	}

	/**
	 * @param parts all that were stored, by index.
	 * @throws UmbraError `corrupt` where one is damaged or missing, `unsupported` for another version: the disks have to
	 * be read as a whole.
	 */
	static read(parts: readonly Uint8Array[]): TreeLog {
		const [base = new Uint8Array(0), ...deltas] = parts;
		let tree = decodeMachineTree(base);
		let last = nameOfPart(base);
		let deltaBytes = 0;
		for (const delta of deltas) {
			tree = applyTreeDelta(tree, delta, last);
			last = nameOfPart(delta);
			deltaBytes += delta.length;
		}
		return new TreeLog(tree, last, base.length, deltaBytes, deltas.length);
	}

	/** A log that begins with this tree. @throws UmbraError `limit` for a tree that does not fit the format. */
	static begin(tree: MachineTree): { readonly log: TreeLog; readonly part: TreePart } {
		const bytes = encodeMachineTree(tree);
		return { log: new TreeLog(tree, nameOfPart(bytes), bytes.length, 0, 0), part: { isBase: true, index: 0, bytes } };
	}

	/** The log that goes on with this tree; this one stays as it is. @throws as `begin`. */
	append(tree: MachineTree): { readonly log: TreeLog; readonly part: TreePart } {
		if (this.#deltas === MAX_DELTAS) return TreeLog.begin(tree);
		const bytes = encodeTreeDelta(this.tree, tree, this.#last);
		const deltaBytes = this.#deltaBytes + bytes.length;
		if (deltaBytes > Math.max(SMALL_DELTAS, this.#baseBytes * MAX_DELTA_SHARE)) return TreeLog.begin(tree);
		const index = this.#deltas + 1;
		return {
			log: new TreeLog(tree, nameOfPart(bytes), this.#baseBytes, deltaBytes, index),
			part: { isBase: false, index, bytes },
		};
	}
}
