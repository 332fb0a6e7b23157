/** A machine's vCPUs by QMP. Source: QEMU, qapi/machine.json and qapi/stats.json. */
import { z } from "zod";
import type { FieldsOf } from "../../../common/measurements/measurements.ts";
import { parse } from "../block-graph.ts";

/** QEMU's own limits are below. */
const MAX_VCPUS = 4096;

export interface Vcpu {
	readonly index: number;
	readonly threadId: number;
	readonly qomPath: string;
}

const cpusShape = z
	.array(z.object({ "cpu-index": z.number(), "thread-id": z.number(), "qom-path": z.string() }))
	.max(MAX_VCPUS);

/** `query-cpus-fast`, which does not disturb the vCPUs. @throws UmbraError `unsupported`. */
export function parseCpus(answer: unknown): Vcpu[] {
	return parse(cpusShape, answer, "query-cpus-fast").map((cpu) => ({
		index: cpu["cpu-index"],
		threadId: cpu["thread-id"],
		qomPath: cpu["qom-path"],
	}));
}

const placesShape = z.array(z.object({ "vcpus-count": z.number() }));

/** How many vCPUs the machine could have, by `query-hotpluggable-cpus`. @throws UmbraError `unsupported`. */
export function parseMostCpus(answer: unknown): number {
	return parse(placesShape, answer, "query-hotpluggable-cpus").reduce((sum, place) => sum + place["vcpus-count"], 0);
}

/** Of KVM's statistics, what is wanted. */
export const KVM_STATS = ["exits", "blocking"];

const statsShape = z.array(
	z.object({
		"qom-path": z.string().default(""),
		stats: z.array(z.object({ name: z.string(), value: z.unknown() })),
	}),
);

/** `query-stats` of the vCPUs, by their QOM paths. Empty under emulation. @throws UmbraError `unsupported`. */
export function parseKvmStats(answer: unknown): Map<string, FieldsOf<"vm_vcpu">> {
	return new Map(
		parse(statsShape, answer, "query-stats").map(({ "qom-path": path, stats }) => {
			const value = (name: string): unknown => stats.find((entry) => entry.name === name)?.value;
			const [exits, blocking] = [value("exits"), value("blocking")];
			return [
				path,
				{
					exits: typeof exits === "number" ? exits : undefined,
					halted: typeof blocking === "boolean" ? Number(blocking) : undefined,
				},
			];
		}),
	);
}
