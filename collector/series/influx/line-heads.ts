/**
 * How lines of the line protocol begin: measurement and tags, `vm_disk,disk=vda,host=h1,vm=web1`. Series come again with
 * every reading, so that what they begin with is made once and found by their tags' values.
 */
import { definitionOf, isMeasurement, type Point } from "../../../common/measurements/measurements.ts";
import { encodeTag } from "./names.ts";

/** What is known is forgotten beyond this; a fleet of 500 hosts has fewer bytes of heads. */
const MAX_BYTES = 16 * 2 ** 20;
/** Maps and objects that a head takes. */
const OVERHEAD = 200;

export interface LineHead {
	readonly bytes: Uint8Array;
	/** Of the series, spread over all numbers of 32 bits. */
	readonly hash: number;
}

type Node = Map<string, Node | LineHead>;

interface Measurement {
	/** Ascending. */
	readonly tags: readonly string[];
	/** A map for each tag in its turn, by value; "" where a point does not have it. */
	readonly root: Node;
}

export class LineHeads {
	#measurements = new Map<string, Measurement>();
	#bytes = 0;

	/** What the point's line begins with; undefined where its measurement or a tag is none, or no text. */
	of({ measurement, tags }: Point): LineHead | undefined {
		const known = this.#measurements.get(measurement) ?? this.#add(measurement);
		if (known === undefined) return undefined;
		let node: Node | LineHead | undefined = known.root;
		let count = 0;
		for (const name of known.tags) {
			const value = tags[name];
			if (value !== undefined) {
				if (typeof value !== "string") return undefined;
				count++;
			}
			if (node !== undefined) node = (node as Node).get(value ?? "");
		}
		for (const _ in tags) count--;
		if (count !== 0) return undefined;
		return (node as LineHead | undefined) ?? this.#make(measurement, known, tags);
	}

	#add(measurement: string): Measurement | undefined {
		if (!isMeasurement(measurement)) return undefined;
		const added = { tags: Object.keys(definitionOf(measurement).tags).sort(), root: new Map() };
		this.#measurements.set(measurement, added);
		return added;
	}

	#make(measurement: string, { tags: names, root }: Measurement, tags: Point["tags"]): LineHead | undefined {
		let text = measurement;
		for (const name of names) {
			const value = tags[name] ?? "";
			// No database has a way to write them down.
			if (!value.isWellFormed() || value.includes("\0")) return undefined;
			if (value !== "") text += `,${name}=${encodeTag(value).replaceAll(/[ ,=]/g, "\\$&")}`;
		}
		const bytes = Buffer.from(text);
		const head = { bytes, hash: hashOf(bytes) };
		this.#bytes += bytes.length + OVERHEAD;
		if (this.#bytes > MAX_BYTES) {
			this.#measurements = new Map();
			this.#bytes = 0;
			return head;
		}
		let node = root;
		for (const name of names.slice(0, -1)) {
			const value = tags[name] ?? "";
			const next = (node.get(value) as Node | undefined) ?? new Map();
			node.set(value, next);
			node = next;
		}
		node.set(tags[names.at(-1) as string] ?? "", head);
		return head;
	}
}

function hashOf(bytes: Uint8Array): number {
	let hash = 0;
	for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
	return (hash ^ (hash >>> 15)) >>> 0;
}
