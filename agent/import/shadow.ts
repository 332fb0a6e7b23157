/** What the collector has of a VM already. */
import { nameToHex } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { toBigInt, toLong, toNumber, type wire } from "../../proto/service.ts";
import type { Link } from "../uplink/link.ts";

const QUERY_DEADLINE_MS = 60_000;

export interface KnownPoint {
	readonly id: string;
	/** Unix nanoseconds. */
	readonly timeNs: bigint;
	readonly imported: boolean;
	/** By the disk's name. */
	readonly disks: ReadonlyMap<string, { readonly sizeBytes: number /** Hex. */; readonly root: string }>;
	/** File changes. */
	readonly files: number;
	/** Undefined until it was judged. */
	readonly verdict:
		| { readonly severity: string; readonly score: number; readonly triggers: readonly string[] }
		| undefined;
}

export interface Shadow {
	/** False: nothing was ever heard of this VM. */
	readonly known: boolean;
	/** What the VM's next capture builds upon; empty where there is nothing. */
	readonly headId: string;
	/** Names of its disks. */
	readonly disks: readonly string[];
	/** Retention leaves imported points alone. */
	readonly keepsImported: boolean;
	/** By their ids, oldest first. */
	readonly points: ReadonlyMap<string, KnownPoint>;
}

/** @throws UmbraError, `unsupported` where the collector is too old; the signal's reason. */
export async function askForShadow(link: Link, vm: string, signal: AbortSignal): Promise<Shadow> {
	const points = new Map<string, KnownPoint>();
	let afterNs = 0n;
	for (;;) {
		const page = await ask(link, { vm, afterNs: toLong(afterNs) }, signal);
		for (const point of page.points ?? []) {
			const known = knownPoint(point);
			points.set(known.id, known);
			afterNs = known.timeNs;
		}
		if (page.more === true && (page.points ?? []).length > 0) continue;
		return {
			known: page.known ?? false,
			headId: page.headId ?? "",
			disks: (page.disks ?? []).map(({ disk }) => disk ?? ""),
			keepsImported: page.keepsImported ?? false,
			points,
		};
	}
}

/** One of its points, of a time at or after `fromNs`; undefined where it is not there. @throws as `askForShadow`. */
export async function askForPoint(
	link: Link,
	vm: string,
	{ id, fromNs }: { readonly id: string; readonly fromNs: bigint },
	signal: AbortSignal,
): Promise<KnownPoint | undefined> {
	const page = await ask(link, { vm, afterNs: toLong(fromNs - 1n) }, signal);
	const found = page.points?.find((point) => point.id === id);
	return found === undefined ? undefined : knownPoint(found);
}

async function ask(link: Link, query: wire.v1.IPointsQuery, signal: AbortSignal): Promise<wire.v1.IPointsPage> {
	try {
		return await link.points(query, QUERY_DEADLINE_MS, signal);
	} catch (error) {
		if (isUmbraError(error, "unavailable")) {
			throw new UmbraError("unavailable", error.message, {
				cause: error,
				hint: "is it running? --address, or --config with an agent's settings, says where it listens for agents",
			});
		}
		if (!isUmbraError(error, "unsupported")) throw error;
		throw new UmbraError("unsupported", `the collector at ${link.address} takes no imports`, {
			cause: error,
			hint: "it is older than this command: update it first",
		});
	}
}

function knownPoint(point: wire.v1.IPointSummary): KnownPoint {
	return {
		id: point.id ?? "",
		timeNs: toBigInt(point.timeNs),
		imported: point.imported ?? false,
		disks: new Map(
			(point.disks ?? []).map(({ disk, sizeBytes, root }) => [
				disk ?? "",
				{ sizeBytes: toNumber(sizeBytes), root: nameToHex(root ?? new Uint8Array()) },
			]),
		),
		files: toNumber(point.files),
		verdict: point.judged
			? { severity: point.severity ?? "", score: point.score ?? 0, triggers: point.triggers ?? [] }
			: undefined,
	};
}
