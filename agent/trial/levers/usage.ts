/** What a clone takes of what it has, as seen from outside. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { parse } from "../../hypervisor/block-graph.ts";
import { KernelTree } from "../../proc/tree.ts";
import type { Clone } from "../clone.ts";
import { vcpusOf } from "./vcpus.ts";

const POLL_S = 1;
/** Until the guest's driver has told of its memory. */
const STATS_MS = 4000;
const LOOK_MS = 100;

const tree = new KernelTree();

/** Nanoseconds that all vCPUs have run, and how many can run at a time. @throws UmbraError `unavailable`. */
export async function vcpuTime(clone: Clone): Promise<{ readonly ranNs: number; readonly processors: number }> {
	const threads = new Set((await vcpusOf(clone)).map(({ thread }) => thread));
	let ranNs = 0;
	for (const thread of threads) {
		const text = tree.text(`/proc/${clone.process.id.pid}/task/${thread}/schedstat`) ?? "";
		ranNs += Number(text.split(" ")[0] ?? 0);
	}
	return { ranNs, processors: threads.size };
}

/** Of what all vCPUs could use, while `ms` pass. @throws UmbraError `unavailable`; the signal's reason. */
export async function cpuPercent(clone: Clone, ms: number, signal: AbortSignal): Promise<number> {
	const [before, begun] = [await vcpuTime(clone), performance.now()];
	await sleep(ms, undefined, { signal });
	const after = await vcpuTime(clone);
	return (after.ranNs - before.ranNs) / ((performance.now() - begun) * 1e4 * Math.max(1, after.processors));
}

/** Read and written by all disks since the clone was made. @throws UmbraError `unavailable`. */
export async function diskBytes({ qmp }: Clone): Promise<number> {
	const shape = z.array(z.object({ stats: z.object({ rd_bytes: z.number(), wr_bytes: z.number() }) }));
	const all = parse(shape, await qmp.execute("query-blockstats"), "query-blockstats");
	return all.reduce((sum, { stats }) => sum + stats.rd_bytes + stats.wr_bytes, 0);
}

const statistics = z.object({ "last-update": z.number(), stats: z.record(z.string(), z.number()) });

/** Bytes that the guest's balloon says are in use; undefined where there is none, or its driver tells nothing. */
export async function usedMemory({ qmp }: Clone, signal: AbortSignal): Promise<number | undefined> {
	for (const folder of ["/machine/peripheral", "/machine/peripheral-anon"]) {
		const list = (await qmp.execute("qom-list", { path: folder })) as { name: string; type: string }[];
		const balloon = list.find(({ type }) => type.startsWith("child<virtio-balloon"));
		if (balloon === undefined) continue;
		const path = `${folder}/${balloon.name}`;
		await qmp.execute("qom-set", { path, property: "guest-stats-polling-interval", value: POLL_S });
		for (const deadline = performance.now() + STATS_MS; performance.now() < deadline; ) {
			await sleep(LOOK_MS, undefined, { signal });
			const answer = await qmp.execute("qom-get", { path, property: "guest-stats" });
			const { stats, "last-update": updated } = parse(statistics, answer, "guest-stats");
			const [total, available] = [stats["stat-total-memory"] ?? 0, stats["stat-available-memory"] ?? -1];
			// What a driver does not tell is 2^64 - 1.
			if (updated > 0 && total > 0 && available >= 0 && available <= total) return total - available;
		}
	}
	return undefined;
}
