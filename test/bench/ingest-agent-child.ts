/**
 * The sending half of an agent in a process of its own: fills a spool, then lets the uplink bring it to a collector.
 *
 * usage: node ingest-agent-child.ts FOLDER HOST:PORT KIND BYTES     prints {"bytes":...,"seconds":...}
 */
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { Spool } from "../../agent/spool/spool.ts";
import { Uplink } from "../../agent/uplink/uplink.ts";
import { silentLogger } from "../../common/log.ts";
import { chunksOf, type Kind } from "./ingest-data.ts";

const [folder = "", address = "", kind = "", size = ""] = process.argv.slice(2);
const log = silentLogger();
await using db = new ClassicLevel<Uint8Array, Uint8Array>(join(folder, "db"), {
	keyEncoding: "view",
	valueEncoding: "view",
});
await db.open();
await using spool = await Spool.open({ folder, db, prefix: "spool/", limitBytes: 4 * Number(size), log });
let bytes = 0;
for (const { name, encoding, data } of chunksOf(kind as Kind, Number(size))) {
	await spool.addChunk(name, encoding, data);
	bytes += data.length;
}
await spool.sync();

const start = performance.now();
await using _uplink = Uplink.start({
	address,
	agentId: crypto.randomUUID(),
	host: "bench",
	version: "0",
	spool,
	heartbeat: () => ({}),
	onOrder: async () => ({ ok: false }),
	onBaseLost: async () => {},
	log,
});
while (spool.chunkHead < spool.readableEnd) await spool.changed.wait();
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ bytes, seconds }));
