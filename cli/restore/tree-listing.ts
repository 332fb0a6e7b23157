/** The listing of a whole tree, as the collector streams it: lines of JSON. */
import type { TreeEntry } from "../../collector/api/tree-walk.ts";
import { type ErrorCode, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { CollectorClient, Query } from "../collector-client.ts";

export interface TreeHead {
	/** Unix nanoseconds of the point, decimal. */
	readonly time: string;
	readonly disk: string;
	readonly volume: string;
	/** "ext4", "xfs", ... */
	readonly kind: string;
	readonly path: string;
}

export interface TreeListing {
	readonly head: TreeHead;
	readonly entries: readonly TreeEntry[];
	/** Inodes that can be read in part, with why. */
	readonly damaged: ReadonlyMap<number, string>;
	/** What else is wrong with the volume. */
	readonly problems: readonly string[];
}

interface LastLine {
	readonly end?: true;
	readonly damaged?: readonly (readonly [number, string])[];
	readonly problems?: readonly string[];
	readonly error?: { readonly code: ErrorCode; readonly message: string; readonly hint?: string };
}

/** @throws UmbraError of the collector, also where it could not go on; `unavailable` where the listing has no end. */
export async function readTree(
	client: CollectorClient,
	url: string,
	query: Query,
	signal: AbortSignal | undefined,
): Promise<TreeListing> {
	const response = await client.fetch(url, query, { signal });
	let head: TreeHead | undefined;
	const entries: TreeEntry[] = [];
	try {
		for await (const line of linesOf(response)) {
			const value: unknown = JSON.parse(line);
			const { end, error, damaged = [], problems = [] } = value as LastLine;
			if (error !== undefined)
				throw new UmbraError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint });
			if (head === undefined) head = value as TreeHead;
			else if (end === true) return { head, entries, damaged: new Map(damaged), problems };
			else entries.push(value as TreeEntry);
		}
	} catch (error) {
		if (isUmbraError(error) || signal?.aborted === true) throw error;
		throw new UmbraError("unavailable", `the listing was cut off: ${messageOf(error)}`, { cause: error });
	}
	throw new UmbraError("unavailable", "the listing was cut off");
}

async function* linesOf(response: Response): AsyncGenerator<string> {
	const decoder = new TextDecoder();
	let rest = "";
	for await (const bytes of response.body ?? []) {
		const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
		rest = lines.pop()!;
		yield* lines;
	}
}
