/** What the guest's balloon driver tells of its memory. Source: QEMU, docs/interop/virtio-balloon-stats.rst. */
import { z } from "zod";
import type { FieldsOf } from "../../../common/measurements/measurements.ts";
import { parse } from "../block-graph.ts";

/** QEMU gives 2^64 - 1 for what the guest did not tell. The guest may tell any number; none that makes sense is this large. */
const MAX_SENSIBLE = 2 ** 62;
const KIB = 1024;

const statsShape = z.object({ "last-update": z.number(), stats: z.record(z.string(), z.number()) });

/** Of the property `guest-stats`. Empty where the guest never told. @throws UmbraError `unsupported`. */
export function parseGuestStats(answer: unknown): FieldsOf<"vm"> {
	const { "last-update": lastUpdate, stats } = parse(statsShape, answer, "guest-stats");
	if (lastUpdate === 0) return {};
	const count = (name: string): number | undefined => {
		const value = stats[`stat-${name}`];
		return value === undefined || value > MAX_SENSIBLE ? undefined : value;
	};
	const kib = (name: string): number | undefined => {
		const bytes = count(name);
		return bytes === undefined ? undefined : bytes / KIB;
	};
	return {
		balloon_swap_in: kib("swap-in"),
		balloon_swap_out: kib("swap-out"),
		balloon_major_fault: count("major-faults"),
		balloon_minor_fault: count("minor-faults"),
		balloon_unused: kib("free-memory"),
		balloon_available: kib("total-memory"),
		balloon_usable: kib("available-memory"),
		balloon_disk_caches: kib("disk-caches"),
		balloon_hugetlb_pgalloc: count("htlb-pgalloc"),
		balloon_hugetlb_pgfail: count("htlb-pgfail"),
		balloon_last_update: lastUpdate,
	};
}

const devicesShape = z.array(z.object({ name: z.string(), type: z.string() }));

/** The balloon among the devices in a QOM folder, as its path. @throws UmbraError `unsupported`. */
export function findBalloon(folder: string, answer: unknown): string | undefined {
	const found = parse(devicesShape, answer, "qom-list").find(({ type }) => /^child<virtio-balloon/.test(type));
	return found === undefined ? undefined : `${folder}/${found.name}`;
}
