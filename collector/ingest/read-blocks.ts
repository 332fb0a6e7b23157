/** `OpenPoint` and `ReadBlocks`: a point that an agent was ordered to make clones of, as it is stored. */
import { once } from "node:events";
import { isZeroName } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import { MAX_READ_BLOCKS, toBigInt, toLong, v1, type wire } from "../../proto/service.ts";
import type { StatePart } from "../catalog/records.ts";
import type { VaultStore } from "../vault/chunk-store.ts";
import { type DiskTree, nameAt, readNames } from "../vault/tree.ts";
import type { PointTickets } from "./tickets.ts";

/** Chunks of one message: a MiB at most. */
const PART_CHUNKS = 16;

const PARTS: readonly (readonly [wire.v1.StatePartKind, StatePart])[] = [
	[v1.StatePartKind.STATE_PART_RAM, "ram"],
	[v1.StatePartKind.STATE_PART_DEVICES, "devices"],
	[v1.StatePartKind.STATE_PART_CONFIGURATION, "configuration"],
];
const ENCODINGS = {
	raw: v1.ChunkEncoding.CHUNK_ENCODING_RAW,
	zstd: v1.ChunkEncoding.CHUNK_ENCODING_ZSTD,
} as const;

/** @throws UmbraError `denied`. */
export function answerOpenPoint(
	tickets: PointTickets,
	{ ticket }: wire.v1.PointTicket.$Properties,
): wire.v1.PointContents.$Properties {
	const { vm, time, disks, state } = tickets.find(ticket).point;
	return {
		vm,
		timeNs: toLong(BigInt(time)),
		disks: disks.map(({ disk, sizeBytes }) => ({ disk, sizeBytes: toLong(sizeBytes) })),
		...(state && {
			state: {
				parts: PARTS.map(([part, name]) => ({ part, sizeBytes: toLong(state.parts[name].sizeBytes) })),
				machineType: state.machineType,
				hypervisor: state.hypervisor,
				memoryBytes: toLong(state.memoryBytes),
				cpus: state.cpus,
				streamBytes: toLong(state.streamBytes),
			},
		}),
	};
}

export interface BlocksCall {
	readonly request: wire.v1.BlocksQuery.$Properties;
	write(part: wire.v1.BlocksPart.$Properties): boolean;
}

/** @throws UmbraError `denied`, `not-found`, `truncated` for a range beyond the disk, what the vault throws; the signal's reason. */
export async function serveBlocks(
	call: BlocksCall & NodeJS.EventEmitter,
	{ store, tickets }: { readonly store: VaultStore; readonly tickets: PointTickets },
	signal: AbortSignal,
): Promise<void> {
	const { request } = call;
	const tree = treeOf(tickets, request);
	const first = Number(toBigInt(request.firstBlock));
	const count = request.blocks ?? 0;
	if (count > MAX_READ_BLOCKS) {
		throw new UmbraError("limit", `BlocksQuery.blocks: ${count}, at most ${MAX_READ_BLOCKS}`, {
			context: { structure: "BlocksQuery", field: "blocks", found: count, wanted: MAX_READ_BLOCKS },
		});
	}
	const names = await readNames(store, tree, first, count, signal);
	const wanted = Array.from({ length: count }, (_, at) => at).filter((at) => !isZeroName(nameAt(names, at)));
	for (let at = 0; at < wanted.length; at += PART_CHUNKS) {
		const places = wanted.slice(at, at + PART_CHUNKS);
		const stored = await store.getStored(
			places.map((place) => nameAt(names, place)),
			signal,
		);
		signal.throwIfAborted();
		const chunks = stored.map(({ name, encoding, data }, index) => ({
			block: toLong(first + (places[index] ?? 0)),
			chunk: { name, encoding: ENCODINGS[encoding], data },
		}));
		if (!call.write({ chunks })) await once(call, "drain", { signal });
	}
}

/** @throws UmbraError `denied`, `not-found`. */
function treeOf(tickets: PointTickets, { ticket, disk, part }: wire.v1.BlocksQuery.$Properties): DiskTree {
	const { point, disks, parts } = tickets.find(ticket);
	const name = PARTS.find(([kind]) => kind === part)?.[1];
	const tree = name === undefined ? disks.get(disk ?? "") : parts.get(name);
	if (tree !== undefined) return tree;
	throw new UmbraError("not-found", `${point.vm}@${point.time} has no ${name ?? `disk ${disk}`}`);
}
