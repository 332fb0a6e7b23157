/** How much of the host's memory is to stay available where a machine's RAM is made memory before it is captured. */
import { z } from "zod";
import { isUmbraError } from "../../common/errors.ts";
import { parse } from "./block-graph.ts";
import type { Preallocate } from "./hypervisor.ts";
import type { QmpClient } from "./qmp.ts";

/** Where the operator wants it. Beyond that the host would push out what others use. */
const WANTED = 0.1;
/** Where nobody said. It is there and idle. */
const PLENTY = 0.5;
const NOTHING = 1;

const balloonShape = z.object({ actual: z.number() });
const summaryShape = z.object({ "base-memory": z.number(), "plugged-memory": z.number().optional() });

/** As a share of all of it; 1 where nothing is to be made memory. @throws UmbraError `unavailable`. */
export async function memoryToLeave(qmp: QmpClient, wanted: Preallocate = false): Promise<number> {
	if (wanted !== "auto") return wanted ? WANTED : NOTHING;
	return (await balloonBytes(qmp)) > 0 ? NOTHING : PLENTY;
}

/** What the guest's balloon has given back to the host, which is not to be taken again. */
async function balloonBytes(qmp: QmpClient): Promise<number> {
	try {
		const { actual } = parse(balloonShape, await qmp.execute("query-balloon"), "query-balloon");
		const summary = parse(summaryShape, await qmp.execute("query-memory-size-summary"), "query-memory-size-summary");
		return summary["base-memory"] + (summary["plugged-memory"] ?? 0) - actual;
	} catch (error) {
		// It has none, or QEMU cannot tell.
		if (!qmp.closed.aborted && isUmbraError(error)) return 0;
		throw error;
	}
}
