/** A point in the collector, as an agent reads it that was ordered to make clones of it: every block is verified as it comes. */
import { zstdDecompressSync } from "node:zlib";
import { BLOCK_SIZE, blake3Name, blockCount, NAME_SIZE, nameToHex } from "../../common/block.ts";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { cacheSource } from "../../disk/source/cache.ts";
import { allocateRead, checkRange } from "../../disk/source/range.ts";
import type { BlockSource, SourceExtent } from "../../disk/source/source.ts";
import { MAX_READ_BLOCKS, toBigInt, toLong, toNumber, v1, type wire } from "../../proto/service.ts";
import type { Link } from "./link.ts";

const OPEN_MS = 30_000;
/** Blocks of all disks of a point that are kept for whoever reads them next: clones of one machine read the same. */
const CACHE_BYTES = 96 * 2 ** 20;

export interface RemotePoint {
	readonly vm: string;
	/** Unix nanoseconds. */
	readonly timeNs: bigint;
	readonly disks: ReadonlyMap<string, BlockSource>;
	readonly ram: BlockSource;
	readonly devices: BlockSource;
	readonly configuration: BlockSource;
}

type BlocksLink = Pick<Link, "openPoint" | "readBlocks">;

/** @throws UmbraError `denied` for a ticket that does not hold, `not-found` for a point without a state; as the link. */
export async function openRemotePoint(link: BlocksLink, ticket: Uint8Array, signal: AbortSignal): Promise<RemotePoint> {
	const { vm, timeNs, disks, state } = await link.openPoint({ ticket }, OPEN_MS, signal);
	const part = (kind: wire.v1.StatePartKind, name: string): BlockSource => {
		const size = state?.parts?.find((told) => told.part === kind)?.sizeBytes;
		if (size === undefined || size === null) throw new UmbraError("not-found", `${vm} has no ${name} at that time`);
		return new RemoteSource(link, { ticket, part: kind }, toNumber(size), `${vm}/state/${name}`);
	};
	const limitBytes = CACHE_BYTES / Math.max(1, disks?.length ?? 0);
	return {
		vm: vm ?? "",
		timeNs: toBigInt(timeNs),
		disks: new Map(
			(disks ?? []).map(({ disk, sizeBytes }) => {
				const source = new RemoteSource(link, { ticket, disk: disk ?? "" }, toNumber(sizeBytes), `${vm}/${disk}`);
				return [disk ?? "", cacheSource(source, { limitBytes })];
			}),
		),
		ram: part(v1.StatePartKind.STATE_PART_RAM, "ram"),
		devices: part(v1.StatePartKind.STATE_PART_DEVICES, "devices"),
		configuration: part(v1.StatePartKind.STATE_PART_CONFIGURATION, "configuration"),
	};
}

class RemoteSource implements BlockSource {
	readonly size: number;
	readonly name: string;
	readonly #link: BlocksLink;
	readonly #what: wire.v1.IBlocksQuery;

	constructor(link: BlocksLink, what: wire.v1.IBlocksQuery, size: number, name: string) {
		this.#link = link;
		this.#what = what;
		this.size = size;
		this.name = name;
	}

	async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		checkRange(this.name, this.size, offset, length);
		const bytes = allocateRead(this.name, offset, length).fill(0);
		const end = blockCount(offset + length);
		for (let first = Math.floor(offset / BLOCK_SIZE); first < end; first += MAX_READ_BLOCKS) {
			const blocks = Math.min(MAX_READ_BLOCKS, end - first);
			const query = { ...this.#what, firstBlock: toLong(first), blocks };
			for await (const { chunks } of this.#link.readBlocks(query, signal)) {
				for (const { block, chunk } of chunks ?? []) {
					const number = toNumber(block);
					if (number < first || number >= first + blocks) throw this.#wrong(number, "a block that nobody asked for");
					const plain = this.#verified(number, chunk ?? {});
					const start = number * BLOCK_SIZE;
					const from = Math.max(offset, start);
					const to = Math.min(offset + length, start + plain.length);
					if (to > from) bytes.set(plain.subarray(from - start, to - start), from - offset);
				}
			}
		}
		return bytes;
	}

	async extents(offset: number, length: number): Promise<SourceExtent[]> {
		checkRange(this.name, this.size, offset, length);
		return length === 0 ? [] : [{ offset, length, zero: false }];
	}

	async [Symbol.asyncDispose](): Promise<void> {}

	/** @throws UmbraError `corrupt`. */
	#verified(block: number, { name, encoding, data }: wire.v1.IChunk): Uint8Array {
		const bytes = data ?? new Uint8Array();
		let plain = bytes;
		if (encoding === v1.ChunkEncoding.CHUNK_ENCODING_ZSTD) {
			try {
				plain = zstdDecompressSync(bytes, { maxOutputLength: BLOCK_SIZE });
			} catch (error) {
				throw this.#wrong(block, `what cannot be decompressed (${messageOf(error)})`);
			}
		}
		const isGood = name?.length === NAME_SIZE && nameToHex(blake3Name(plain)) === nameToHex(name);
		if (!isGood || plain.length > BLOCK_SIZE) throw this.#wrong(block, "bytes that do not fit their name");
		return plain;
	}

	#wrong(block: number, what: string): UmbraError {
		return new UmbraError(
			"corrupt",
			`${this.name}: the collector sent ${what} for the block at ${block * BLOCK_SIZE}`,
			{
				context: { path: this.name, offset: block * BLOCK_SIZE },
			},
		);
	}
}
