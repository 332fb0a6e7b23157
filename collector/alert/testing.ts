/** Alerts for tests. */
import type { AlertRecord } from "../catalog/records.ts";

export function alertNamed(id: string, part: Partial<AlertRecord> = {}): AlertRecord {
	return {
		id,
		vm: "web-1",
		host: "host-1",
		time: "1795000000000000000",
		changesetId: "c1",
		changesetTime: "1795000000000000000",
		state: "firing",
		severity: "critical",
		cause: "mass-rewrite",
		summary: "s",
		score: 0.9,
		files: ["/a"],
		fileCount: 1,
		contributions: [],
		features: {},
		mitigation: "m",
		count: 1,
		lastSeen: "1795000000000000000",
		quiet: 0,
		resolvedTime: null,
		undelivered: ["noc"],
		...part,
	};
}
