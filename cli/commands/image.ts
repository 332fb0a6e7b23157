/** What the commands that look into an image share: the IMAGE#VOLUME selector, prefixes, warnings. */
import { access } from "node:fs/promises";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { NamedSource, Volume } from "../../disk/disk.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { printable } from "../printable.ts";

export const IMAGE_HELP = `
IMAGE is a raw, qcow2, vmdk, vhdx or vdi file, a block device, or nbd://HOST[:PORT]/EXPORT.
IMAGE#3 means its partition 3 as Linux numbers them, IMAGE#vg/lv the logical volume lv of the LVM2 volume group vg.
Without a selector all filesystems of the image are meant: where there are several, the paths of each begin with its
number or name, as in /3/etc/passwd and /vg/lv/etc/passwd; where there is one, they do not.`;

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
	return [...before, value];
}

export const WITH_HELP = "a further disk of the same VM, where volume groups span several; may be repeated";

/** Metadata that a listing reads in small pieces; contents go past it. */
const CACHE_BYTES = 32 * 1024 * 1024;

export interface ImageSpec {
	/** A path or an NBD URI. */
	readonly image: string;
	/** The volume's id; undefined where none is named. */
	readonly volume: string | undefined;
}

/** "disk.img#3" -> its two parts. A file that is called so, "#3" included, is that file. */
export async function parseImageSpec(spec: string): Promise<ImageSpec> {
	const mark = spec.lastIndexOf("#");
	if (mark === -1 || (await exists(spec))) return { image: spec, volume: undefined };
	return { image: spec.slice(0, mark), volume: spec.slice(mark + 1) };
}

async function exists(path: string): Promise<boolean> {
	try {
		await access(path);
		return true;
	} catch {
		return false;
	}
}

/** Opens the image; the caller disposes it. @throws UmbraError as `openImage` does. */
export async function openCached(image: string, signal: AbortSignal): Promise<BlockSource> {
	const { openImage } = await import("../../disk/source/open.ts");
	const { isPageCached } = await import("../../disk/source/file.ts");
	const source = await openImage(image, { signal });
	if (isPageCached(source)) return source;
	const { cacheSource } = await import("../../disk/source/cache.ts");
	return cacheSource(source, { limitBytes: CACHE_BYTES });
}

/** Opens the image and the further disks of its VM for as long as `opened` lasts. */
export async function openMachine(
	image: string,
	others: readonly string[],
	opened: AsyncDisposableStack,
	signal: AbortSignal,
): Promise<NamedSource[]> {
	const sources: NamedSource[] = [];
	for (const path of [image, ...others]) {
		sources.push({ name: path, source: opened.use(await openCached(path, signal)) });
	}
	return sources;
}

export interface PlacedVolume {
	readonly volume: Volume;
	/** "", "/3" or "/vg/lv": what the paths of this volume begin with. */
	readonly prefix: string;
}

/**
 * The filesystems that a spec means, readable or not. Of further disks, what they add to logical volumes is meant,
 * not their own partitions.
 *
 * @param sources the image, then the further disks.
 * @throws UmbraError `not-found` where there is no such volume or no filesystem at all.
 */
export async function selectVolumes(
	sources: readonly NamedSource[],
	volume: string | undefined,
	signal: AbortSignal,
): Promise<PlacedVolume[]> {
	const { findVolume, openDisks } = await import("../../disk/disk.ts");
	const { name } = sources[0]!;
	const machine = await openDisks(sources, signal);
	for (const problem of machine.problems) warn(`${name}: ${problem.message}`);
	const volumes = machine.volumes.filter(({ disk, id }) => disk === 0 || id.includes("/"));
	if (volume !== undefined) return [{ volume: findVolume({ volumes }, volume), prefix: "" }];
	const filesystems = volumes.filter(({ isFilesystem }) => isFilesystem);
	if (filesystems.length === 0) {
		const kinds = volumes
			.map(({ id, kind, note }) => `${id === "" ? kind : `${id}: ${kind}`}${note === "" ? "" : ` (${note})`}`)
			.join(", ");
		throw new UmbraError("not-found", `${name}: no filesystem in it; found ${kinds || "no volume"}`, {
			context: { path: name, found: kinds, wanted: "a filesystem" },
		});
	}
	return filesystems.map((found) => ({ volume: found, prefix: filesystems.length > 1 ? `/${found.id}` : "" }));
}

/**
 * Which of the volumes a path leads into, and the path in there. With prefixes, "/" leads into all of them, and
 * "/vg" into all of that volume group.
 *
 * @throws UmbraError `not-found` where the path begins with no volume's prefix.
 */
export function selectPath(
	volumes: readonly PlacedVolume[],
	path: string,
): { readonly placed: PlacedVolume; readonly path: string }[] {
	const absolute = `/${path
		.split("/")
		.filter((component) => component !== "" && component !== ".")
		.join("/")}`;
	if (absolute === "/") return volumes.map((placed) => ({ placed, path: "/" }));
	const placed = volumes.find(
		({ prefix }) => prefix === "" || absolute === prefix || absolute.startsWith(`${prefix}/`),
	);
	if (placed === undefined) {
		const group = volumes.filter(({ prefix }) => prefix.startsWith(`${absolute}/`));
		if (group.length > 0) return group.map((member) => ({ placed: member, path: "/" }));
		const wanted = volumes.map(({ prefix }) => prefix).join(", ");
		throw new UmbraError(
			"not-found",
			`${path}: the image has several filesystems; the path begins with one of ${wanted}`,
			{
				context: { path, wanted },
			},
		);
	}
	return [{ placed, path: absolute.slice(placed.prefix.length) || "/" }];
}

/** To standard error, so that it never mixes with the data. */
export function warn(message: string): void {
	process.stderr.write(`umbra: ${printable(message)}\n`);
}

/** Whatever a filesystem throws, as ours. */
export function asUmbraError(error: unknown): UmbraError {
	return isUmbraError(error) ? error : new UmbraError("internal", messageOf(error), { cause: error });
}
