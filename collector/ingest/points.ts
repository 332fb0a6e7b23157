/** `Points`: which points of a VM are there, for whoever imports snapshots of it. */
import { nameFromHex } from "../../common/block.ts";
import { MAX_PAGE_POINTS, toBigInt, toLong, type wire } from "../../proto/service.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { ChangesetRecord } from "../catalog/records.ts";
import { MAX_NAME_LENGTH } from "./changeset-header.ts";
import { checkName } from "./fields.ts";

/** @throws UmbraError `corrupt` for a query without a VM; what the catalog throws. */
export async function answerPoints(
	catalog: Catalog,
	keepsImported: (vm: string) => boolean,
	query: wire.v1.PointsQuery.$Properties,
): Promise<wire.v1.PointsPage.$Properties> {
	const vm = checkName("PointsQuery.vm", query.vm, MAX_NAME_LENGTH);
	const head = await catalog.vm(vm);
	const from = toBigInt(query.afterNs) + 1n;
	const { items, next } = await catalog.changesets(vm, { from, limit: MAX_PAGE_POINTS });
	return {
		known: head !== undefined,
		headId: head?.headId ?? "",
		disks: head?.disks.map(({ disk, sizeBytes }) => ({ disk, sizeBytes: toLong(sizeBytes) })) ?? [],
		keepsImported: keepsImported(vm),
		points: items.map(summaryOf),
		more: next !== null,
	};
}

function summaryOf(changeset: ChangesetRecord): wire.v1.PointSummary.$Properties {
	const { id, time, imported, disks, fileCount, verdict } = changeset;
	return {
		id,
		timeNs: toLong(BigInt(time)),
		imported: imported !== undefined,
		disks: disks.map(({ disk, sizeBytes, root }) => ({ disk, sizeBytes: toLong(sizeBytes), root: nameFromHex(root) })),
		files: toLong(fileCount),
		judged: verdict !== null,
		score: verdict?.score ?? 0,
		severity: verdict?.severity ?? "",
		triggers: verdict?.triggers.map(({ trigger }) => trigger) ?? [],
	};
}
