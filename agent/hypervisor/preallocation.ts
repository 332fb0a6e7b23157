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

/**
 * As a share of all of it; 1 where nothing is to be made memory.
 *
 * @param memoryBytes of the machine: what its balloon has given back to the host is not to be taken again
 * @throws UmbraError `unavailable` where the machine is gone.
 */
export async function memoryToLeave(qmp: QmpClient, memoryBytes: number, wanted: Preallocate = false): Promise<number> {
	if (wanted !== "auto") return wanted ? WANTED : NOTHING;
	try {
		const { actual } = parse(balloonShape, await qmp.execute("query-balloon"), "query-balloon");
		return actual < memoryBytes ? NOTHING : PLENTY;
	} catch (error) {
		if (qmp.closed.aborted || !isUmbraError(error)) throw error;
		// It has none. Of what cannot be told nothing is taken.
		return error.context["class"] === "DeviceNotActive" ? PLENTY : NOTHING;
	}
}
