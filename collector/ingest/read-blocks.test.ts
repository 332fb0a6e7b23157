import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { BLOCK_SIZE } from "../../common/block.ts";
import { sampleDisk } from "../../disk/source/testing.ts";
import { MAX_READ_BLOCKS, toLong, toNumber, v1, type wire } from "../../proto/service.ts";
import type { ChangesetRecord } from "../catalog/records.ts";
import { ExportSite } from "../export/testing.ts";
import { answerOpenPoint, serveBlocks } from "./read-blocks.ts";
import { PointTickets } from "./tickets.ts";

const DISK = sampleDisk(140 * BLOCK_SIZE);
const { signal } = new AbortController();

async function start() {
	const site = await ExportSite.start({ vda: DISK });
	const tickets = new PointTickets(site.vault);
	const point = { vm: "web", time: "5", disks: site.disks } as unknown as ChangesetRecord;
	const read = async (request: wire.v1.BlocksQuery.$Properties) => {
		const parts: wire.v1.BlocksPart.$Properties[] = [];
		const call = Object.assign(new EventEmitter(), {
			request,
			write: (part: wire.v1.BlocksPart.$Properties) => {
				parts.push(part);
				// As a client that is slow.
				setImmediate(() => call.emit("drain"));
				return false;
			},
		});
		await serveBlocks(call, { store: site.vault, tickets }, signal);
		return parts.flatMap(({ chunks }) => chunks ?? []);
	};
	return { site, tickets, point, read };
}

describe("serveBlocks", () => {
	it("gives the blocks that are not zeroes, in their order, to whoever shows a ticket while it holds", async () => {
		const { site, tickets, point, read } = await start();
		await using _site = site;
		const ticket = tickets.issue(point);
		assert.deepEqual(
			answerOpenPoint(tickets, { ticket: ticket.bytes }).disks?.map(({ disk, sizeBytes }) => [
				disk,
				toNumber(sizeBytes),
			]),
			[["vda", DISK.length]],
		);
		const query = { ticket: ticket.bytes, disk: "vda", firstBlock: toLong(1), blocks: 39 };
		const data = Array.from({ length: 39 }, (_, at) => at + 1).filter((block) =>
			DISK.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE).some((byte) => byte !== 0),
		);
		assert.deepEqual(
			(await read(query)).map(({ block }) => toNumber(block)),
			data,
		);
		await assert.rejects(read({ ...query, disk: "vdb" }), { code: "not-found" });
		await assert.rejects(read({ ...query, part: v1.StatePartKind.STATE_PART_RAM }), { code: "not-found" });
		await assert.rejects(read({ ...query, blocks: 140 }), { code: "truncated" });
		await assert.rejects(read({ ...query, blocks: MAX_READ_BLOCKS + 1 }), { code: "limit" });
		await assert.rejects(read({ ...query, ticket: new Uint8Array(32) }), { code: "denied" });
		ticket[Symbol.dispose]();
		await assert.rejects(read(query), { code: "denied" });
		assert.throws(() => answerOpenPoint(tickets, { ticket: ticket.bytes }), { code: "denied" });
	});

	it("keeps a point whole that is dropped while a ticket for it holds", async () => {
		const { site, tickets, point, read } = await start();
		await using _site = site;
		const dropAll = () =>
			site.vault.collect((async function* () {})(), { graceMs: 0, rewriteBelow: 1, bytesPerSecond: 2 ** 40 });
		const query = { disk: "vda", firstBlock: toLong(0), blocks: 140 };
		{
			using ticket = tickets.issue(point);
			await dropAll();
			assert.ok((await read({ ...query, ticket: ticket.bytes })).length > 0);
		}
		await dropAll();
		using late = tickets.issue(point);
		await assert.rejects(read({ ...query, ticket: late.bytes }), { code: "not-found" });
	});
});
