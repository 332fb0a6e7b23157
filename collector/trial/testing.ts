/** For tests: how clones fared, as an agent tells it. */
import type { CloneReport } from "../../common/trial/report.ts";

let clock = 1_770_000_000_000_000_000n;

/** A trial that survived. */
export function told(index: number, more: Partial<CloneReport> = {}): CloneReport {
	clock += 1_000_000_000n;
	return {
		...{ index, time: clock.toString(), ended: (clock + 9_000_000_000n).toString(), outcome: "survived", failures: [] },
		...{ firstStressMs: 1000, failedMs: null, cloneMs: 200, memoryBytes: 2 ** 20, diskBytes: 4096, levers: [] },
		series: { intervalMs: 1000, values: { "vm.cpu_usage_percent": [1, 2, 3, 4, 5, 6, 7, 8, 9] } },
		...{ probes: [], events: [], screens: [], console: "login: ", notes: [] },
		...more,
	};
}

const oops: CloneReport["failures"][number] = {
	...{ type: "oops", title: "f in g", alternatives: [], atMs: 4200, count: 1, excerpt: ["BUG: f"], consequences: [] },
};
/** One that ended in an oops. */
export const failed = (index: number) => told(index, { outcome: "failed", failures: [oops], failedMs: 4200 });
