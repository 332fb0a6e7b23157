/** `umbra diff OLD NEW`: two images, or two sets of the disks of one machine. */
import { UmbraError } from "../../common/errors.ts";
import type { NamedSource } from "../../disk/disk.ts";
import type { Ranges } from "../../disk/filesystem.ts";
import { openMachine, parseImageSpec, selectVolumes } from "../commands/image.ts";
import type { Output } from "../commands/output.ts";
import { showDiff } from "./show.ts";

export interface DiffImagesOptions {
	readonly json?: boolean;
	/** Further disks of either side, in one order. */
	readonly withOld?: readonly string[];
	readonly withNew?: readonly string[];
}

export async function diffImages(
	old: string,
	now: string,
	{ json = false, withOld = [], withNew = [] }: DiffImagesOptions,
	output: Output,
	signal: AbortSignal,
): Promise<void> {
	if (withOld.length !== withNew.length) {
		throw new UmbraError("bad-config", `${withOld.length} times --with-old, ${withNew.length} times --with-new`, {
			hint: "each further disk is given twice: as it was and as it is",
		});
	}
	await using opened = new AsyncDisposableStack();
	const before = await openSelected(old, withOld, opened, signal);
	const after = await openSelected(now, withNew, opened, signal);
	if (before.length !== after.length) {
		throw new UmbraError("bad-config", "one side names a volume and the other does not, beside further disks");
	}
	const within = (at: number) => differing(before[at]!.image, after[at]!.image);
	await showDiff({ old, now, before, after, within }, json, output, signal);
}

const FIRST_DISK = "disk1";

/** A disk, and the image that it is all of: of a volume alone no block hashes are kept. */
interface DiffSource extends NamedSource {
	readonly image?: string;
}

/** Where two images differ, by the hashes that `umbra scan` kept of both; undefined where they have to be read. */
async function differing(before: string | undefined, after: string | undefined): Promise<Ranges | undefined> {
	if (before === undefined || after === undefined) return undefined;
	const { differingBlocks, knownBlockNames } = await import("../block-names.ts");
	const [old, now] = await Promise.all([knownBlockNames(before), knownBlockNames(after)]);
	return old === undefined || now === undefined ? undefined : differingBlocks(old, now);
}

/** The disks of one side, "disk1" and so on; where the spec names a volume, that volume alone. */
async function openSelected(
	text: string,
	others: readonly string[],
	opened: AsyncDisposableStack,
	signal: AbortSignal,
): Promise<DiffSource[]> {
	const spec = await parseImageSpec(text);
	const sources = await openMachine(spec.image, others, opened, signal);
	if (spec.volume === undefined) {
		return sources.map(({ name, source }, at) => ({ name: `disk${at + 1}`, source, image: name }));
	}
	const { segmentSource } = await import("../../disk/segments.ts");
	const [selected] = await selectVolumes(sources, spec.volume, signal);
	const { volume } = selected!;
	// Says why, where it is not known where the volume lies.
	if (volume.segments.length === 0) await volume.open(signal);
	const disks = sources.map(({ source }) => source);
	return [{ name: FIRST_DISK, source: segmentSource(disks, volume.segments, text) }];
}
