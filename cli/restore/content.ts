/** The content of one file, fetched into another; holes stay holes. */
import type { FileHandle } from "node:fs/promises";
import type { TreeEntry } from "../../collector/api/tree-walk.ts";
import { type ErrorCode, isUmbraError, UmbraError } from "../../common/errors.ts";
import type { CollectorClient, Query } from "../collector-client.ts";

/** Holes that are fetched along with what lies around them: another request costs more. */
const MAX_GAP = 256 * 1024;

export interface ContentSource {
	readonly client: CollectorClient;
	readonly url: string;
	readonly query: Query;
	readonly signal: AbortSignal | undefined;
}

/** Bytes of content that are no hole. */
export function dataBytesOf({ size = 0, written }: TreeEntry): number {
	if (written === undefined) return size;
	let bytes = 0;
	for (let at = 1; at < written.length; at += 2) bytes += written[at]!;
	return bytes;
}

/**
 * Writes what is no hole.
 *
 * @param onBytes told of every piece that was written.
 * @throws UmbraError of the collector, `unavailable` where it goes away; what the system says of the file.
 */
export async function copyContent(
	source: ContentSource,
	{ size = 0, written = [0, size] }: TreeEntry,
	file: FileHandle,
	onBytes: (bytes: number) => void,
): Promise<void> {
	for (let first = 0; first < written.length; ) {
		let behind = first + 2;
		while (behind < written.length && written[behind]! - written[behind - 2]! - written[behind - 1]! <= MAX_GAP)
			behind += 2;
		const end = written[behind - 2]! + written[behind - 1]!;
		let range = first;
		const take = async (bytes: Uint8Array, at: number): Promise<void> => {
			while (range < behind && written[range]! < at + bytes.length) {
				const stop = written[range]! + written[range + 1]!;
				const [from, to] = [Math.max(at, written[range]!), Math.min(at + bytes.length, stop)];
				if (to > from) {
					await writeAll(file, bytes.subarray(from - at, to - at), from);
					onBytes(to - from);
				}
				if (stop > at + bytes.length) break;
				range += 2;
			}
		};
		await fetchRange(source, written[first]!, end, take);
		first = behind;
	}
}

/**
 * What fails in the middle of an answer can only cut the connection. Asked for again from there it is told why, or comes.
 */
async function fetchRange(
	{ client, url, query, signal }: ContentSource,
	from: number,
	to: number,
	take: (bytes: Uint8Array, at: number) => Promise<void>,
): Promise<void> {
	for (let at = from; at < to; ) {
		const start = at;
		const headers = { range: `bytes=${at}-${to - 1}` };
		const response = await client.fetch(url, query, { headers, signal });
		const reader = response.body?.getReader();
		for (;;) {
			let bytes: Uint8Array | undefined;
			try {
				bytes = (await reader?.read())?.value;
			} catch (error) {
				if (signal?.aborted === true || isUmbraError(error)) throw error;
				if (at === start) throw new UmbraError("unavailable", "the collector cut the connection", { cause: error });
				break;
			}
			if (bytes === undefined) {
				if (at < to) throw new UmbraError("truncated", `${at - from} bytes came, wanted ${to - from}`);
				break;
			}
			await take(bytes, at);
			at += bytes.length;
		}
	}
}

/**
 * The contents of small files, by their inodes; of one that cannot be read, why.
 *
 * @throws UmbraError of the collector, `unavailable` where what it sends makes no sense.
 */
export async function readSmallFiles(
	{ client, url, query, signal }: ContentSource,
	inodes: readonly number[],
): Promise<Map<number, Uint8Array | UmbraError>> {
	const response = await client.fetch(url, { ...query, inodes: inodes.join(",") }, { signal });
	const body = Buffer.from(await client.body(response, signal));
	const contents = new Map<number, Uint8Array | UmbraError>();
	for (let at = 0; at < body.length; ) {
		const end = body.indexOf("\n", at);
		const { inode, length = 0, error } = parseHead(end < 0 ? "" : body.toString("utf8", at, end));
		at = end + 1 + length;
		if (at > body.length) throw new UmbraError("unavailable", "the collector sent less than it said");
		contents.set(inode, error === undefined ? body.subarray(end + 1, at) : new UmbraError(error.code, error.message));
	}
	return contents;
}

interface SmallFileHead {
	readonly inode: number;
	readonly length?: number;
	readonly error?: { readonly code: ErrorCode; readonly message: string };
}

function parseHead(line: string): SmallFileHead {
	try {
		return JSON.parse(line) as SmallFileHead;
	} catch (error) {
		throw new UmbraError("unavailable", "the collector sent no files", { cause: error });
	}
}

export async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
	for (let done = 0; done < bytes.length; )
		done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
}
