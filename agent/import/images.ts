/** Which states of which disk there are in what an operator names: an image, the top of a backing chain, a folder. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { isAbort, isUmbraError, UmbraError } from "../../common/errors.ts";
import { openFile, translateFileError } from "../../disk/source/file.ts";
import type { ImageFormat } from "../../disk/source/image-format.ts";
import { guessFormat } from "../../disk/source/open.ts";
import { type Qcow2Snapshot, readQcow2 } from "../../disk/source/qcow2.ts";
import { imageChain } from "../../disk/source/qemu-img.ts";
import { timeInName } from "./name-time.ts";

/** What a point's time is taken from. */
export type TimeFrom = "snapshot" | "name" | "modified" | "given";

/** One state of one disk that can be read. */
export interface DiskState {
	/** The disk's name in the VM. */
	readonly disk: string;
	/** Absolute. */
	readonly path: string;
	readonly format: ImageFormat;
	readonly isDevice: boolean;
	/** Undefined for the state that the image is in. */
	readonly snapshot: Qcow2Snapshot | undefined;
	readonly kind: "snapshot" | "layer" | "image";
	/** Of the snapshot, or the file. */
	readonly name: string;
	/** Unix nanoseconds. */
	readonly timeNs: bigint;
	readonly timeFrom: TimeFrom;
	readonly sizeBytes: number;
	/** Paths of the images that it reads from, itself first. */
	readonly chain: readonly string[];
	/** When the file was written last, Unix nanoseconds. */
	readonly modifiedNs: bigint;
}

/** What could not be looked at. The others can. */
export interface SourceProblem {
	readonly source: string;
	readonly error: UmbraError;
}

export interface Findings {
	readonly states: DiskState[];
	readonly problems: SourceProblem[];
	/** Of a folder, what is no image. */
	readonly leftOut: { readonly path: string; readonly reason: string }[];
}

export interface LookOptions {
	/** Of all images; else it is told from the first bytes. */
	readonly format?: ImageFormat | undefined;
	/** Also the state that an image with snapshots is in. */
	readonly present: boolean;
	/** Also the images below the one that is named. */
	readonly chain: boolean;
	/** By the name of a snapshot or file. "" stands for whatever there is. */
	readonly times: ReadonlyMap<string, bigint>;
	/** Where a file's time comes from; a date in its name, else its modification, where this is left out. */
	readonly timeFrom?: "name" | "modified" | undefined;
	readonly signal?: AbortSignal | undefined;
}

/** Endings of raw images; other files are taken for one only where nothing speaks against it. */
const RAW_ENDINGS: ReadonlySet<string> = new Set([".raw", ".img", ".dd"]);
/** Pieces of a VMDK that belong to its descriptor. */
const PIECE = /-(?:flat|delta|sesparse|[sf]\d{3})\.vmdk$/i;
const PACKED = /\.(?:gz|xz|zst|zstd|bz2|lz4|lzo|zip|7z|tar|tgz|vma)$/i;
const NO_IMAGE =
	/\.(?:txt|log|md|json|ya?ml|xml|conf|cfg|csv|sha\d*|md5|sums?|asc|sig|pem|key|nvram|fd|iso|tmp|partial|part|lock)$/i;
const SECTOR = 512;
/** No disk with a filesystem is smaller. */
const MIN_RAW_BYTES = 64 * 1024;
const MAX_FOLDER_ENTRIES = 100_000;
/** A time that lies further ahead is no time of a snapshot. */
const MAX_LEAD_NS = 600_000_000_000n;

/** Looks at one source of one disk. What cannot be looked at is a problem, not an error. @throws the signal's reason. */
export async function lookAt(disk: string, source: string, options: LookOptions): Promise<Findings> {
	const findings: Findings = { states: [], problems: [], leftOut: [] };
	const look = new Look(disk, options, findings);
	const path = resolve(source);
	await look.guarded(source, async () => {
		const stats = await statOf(path);
		if (stats.isDirectory()) await look.folder(path);
		else await look.image(path);
	});
	return findings;
}

interface Described {
	/** As it is now. */
	readonly image: Omit<DiskState, "kind" | "timeNs" | "timeFrom">;
	readonly snapshots: readonly Qcow2Snapshot[];
	/** Paths and formats of the images that it reads from, itself first. */
	readonly chain: readonly string[];
	readonly formats: readonly ImageFormat[];
	/** It reads from others. */
	readonly isLayered: boolean;
	/** Where one of them is no file. */
	readonly foreign: string | undefined;
}

class Look {
	readonly #disk: string;
	readonly #options: LookOptions;
	readonly #findings: Findings;

	constructor(disk: string, options: LookOptions, findings: Findings) {
		this.#disk = disk;
		this.#options = options;
		this.#findings = findings;
	}

	async guarded(source: string, work: () => Promise<void>): Promise<void> {
		try {
			await work();
		} catch (error) {
			this.#options.signal?.throwIfAborted();
			if (isAbort(error) || !isUmbraError(error)) throw error;
			this.#findings.problems.push({ source, error });
		}
	}

	/** Every image in it, in the state that it is in. */
	async folder(path: string): Promise<void> {
		let names: string[];
		try {
			names = (await readdir(path, { withFileTypes: true }))
				.filter((entry) => entry.isFile() || entry.isSymbolicLink())
				.map(({ name }) => name);
		} catch (error) {
			throw translateFileError(path, error);
		}
		if (names.length > MAX_FOLDER_ENTRIES) {
			throw new UmbraError("limit", `${path}: ${names.length} files, at most ${MAX_FOLDER_ENTRIES}`, {
				context: { path, found: names.length, wanted: MAX_FOLDER_ENTRIES },
			});
		}
		const images: Described[] = [];
		for (const name of names.sort(naturally)) {
			const entry = join(path, name);
			await this.guarded(entry, async () => void images.push(...(await this.#entry(entry))));
		}
		const below = new Set(images.flatMap(({ chain }) => chain.slice(1)));
		for (const { image, isLayered } of images) {
			const isLayer = isLayered || below.has(image.path);
			const push = async () =>
				this.#push({ ...image, kind: isLayer ? "layer" : "image" }, await this.#fileTime(image.path, isLayer));
			await this.guarded(image.path, push);
		}
	}

	/** The image in a file of a folder; none where it is something else. */
	async #entry(path: string): Promise<Described[]> {
		const leaveOut = (reason: string) => {
			this.#findings.leftOut.push({ path, reason });
			return [];
		};
		const stats = await statOf(path);
		if (!stats.isFile()) return [];
		if (PACKED.test(path)) return leaveOut("packed: unpack it first");
		if (PIECE.test(path)) return leaveOut("part of another image");
		if (NO_IMAGE.test(path) || basename(path).startsWith(".")) return leaveOut("not an image, by its name");
		const format = await this.#format(path);
		const isRaw = RAW_ENDINGS.has(extname(path).toLowerCase()) || this.#options.format !== undefined;
		if (format === "raw" && !isRaw && (stats.size % SECTOR !== 0 || stats.size < MIN_RAW_BYTES)) {
			return leaveOut("not an image, by its size");
		}
		return [await this.#describe(path, format)];
	}

	/** An image that was named: its snapshots, what it lies upon, and what it is. */
	async image(path: string): Promise<void> {
		const top = await this.#describe(path, await this.#format(path));
		const count = this.#options.chain ? top.chain.length : 1;
		for (let depth = count - 1; depth > 0; depth--) {
			const layer = top.chain[depth]!;
			await this.guarded(layer, async () => await this.#states(await this.#describe(layer, top.formats[depth]!), true));
		}
		if (this.#options.chain && top.foreign !== undefined) {
			const message = `${path}: lies upon ${JSON.stringify(top.foreign.slice(0, 200))}, which is no file and not imported`;
			throw new UmbraError("unsupported", message, {
				context: { path, found: top.foreign.slice(0, 200) },
				hint: "--no-chain imports the image alone",
			});
		}
		await this.#states(top, false);
	}

	/** @param isBelow others read from it: then what it is now is what it was when the next one was begun. */
	async #states({ snapshots, isLayered, image }: Described, isBelow: boolean): Promise<void> {
		const { path } = image;
		for (const snapshot of snapshots) {
			await this.guarded(`${path} @${snapshot.name}`, async () => {
				const { name, sizeBytes } = snapshot;
				if (sizeBytes > image.sizeBytes) {
					const message = `${path}: snapshot ${name} is of a disk of ${sizeBytes} bytes, the image has ${image.sizeBytes} now`;
					throw new UmbraError("unsupported", message, {
						context: { path, found: sizeBytes, wanted: `at most ${image.sizeBytes}` },
						hint: "what lies beyond cannot be read: apply it to a copy (qemu-img snapshot -a), and import that with --time",
					});
				}
				const given = this.#given(name);
				const time = {
					timeNs: given ?? snapshot.timeNs,
					timeFrom: given === undefined ? "snapshot" : "given",
				} as const;
				this.#push({ ...image, kind: "snapshot", name, sizeBytes, snapshot }, time);
			});
		}
		if (!isBelow && snapshots.length > 0 && !this.#options.present) return;
		this.#push(
			{ ...image, kind: isLayered || isBelow ? "layer" : "image" },
			await this.#fileTime(path, isLayered || isBelow),
		);
	}

	#push(state: Omit<DiskState, "timeNs" | "timeFrom">, time: Pick<DiskState, "timeNs" | "timeFrom">): void {
		const { path, name } = state;
		if (time.timeNs > BigInt(Date.now()) * 1_000_000n + MAX_LEAD_NS) {
			throw new UmbraError("bad-config", `${path}: the time of ${name} is still to come`, {
				context: { path, field: "time", found: time.timeNs.toString() },
				hint: `--time ${JSON.stringify(`${name}=TIME`)} says when it was`,
			});
		}
		this.#findings.states.push({ ...state, ...time });
	}

	async #format(path: string): Promise<ImageFormat> {
		const { format, signal } = this.#options;
		await using file = await openFile(path);
		return format ?? (await guessFormat(path, file, signal));
	}

	async #describe(path: string, format: ImageFormat): Promise<Described> {
		const { signal } = this.#options;
		await using file = await openFile(path);
		const stats = await statOf(path);
		const isDevice = stats.isBlockDevice();
		const about = { disk: this.#disk, path, format, isDevice, snapshot: undefined, name: basename(path) };
		const image = { ...about, modifiedNs: stats.mtimeNs };
		if (format === "raw") {
			const alone = { snapshots: [], chain: [path], formats: [format], isLayered: false, foreign: undefined };
			return { ...alone, image: { ...image, chain: [path], sizeBytes: file.size } };
		}
		if (isDevice) {
			throw new UmbraError("unsupported", `${path}: a block device is read as a raw disk only`, { context: { path } });
		}
		const snapshots = format === "qcow2" ? (await readQcow2(file, signal)).snapshots : [];
		const infos = await imageChain(path, format, signal);
		const chain = [path];
		let foreign: string | undefined;
		for (const { backing = "" } of infos.slice(0, -1)) {
			if (isForeign(backing)) {
				foreign = backing;
				break;
			}
			chain.push(resolve(dirname(chain.at(-1)!), backing));
		}
		const formats = infos.map((info) => info.format);
		const described = { ...image, chain, sizeBytes: infos[0]!.sizeBytes };
		return { image: described, snapshots, chain, formats, isLayered: infos.length > 1, foreign };
	}

	/** Of a layer the name says when it was begun, if anything; what it is was written last when it was modified last. */
	async #fileTime(path: string, isLayered: boolean): Promise<Pick<DiskState, "timeNs" | "timeFrom">> {
		const { timeFrom } = this.#options;
		const given = this.#given(basename(path));
		if (given !== undefined) return { timeNs: given, timeFrom: "given" };
		const stats = await statOf(path);
		const named =
			timeFrom === "modified" || (isLayered && timeFrom !== "name") ? undefined : timeInName(basename(path));
		if (named !== undefined) return { timeNs: named, timeFrom: "name" };
		if (timeFrom === "name" || stats.isBlockDevice()) {
			const what = stats.isBlockDevice() ? "a block device does not say when it was written" : "no date in its name";
			throw new UmbraError("bad-config", `${path}: ${what}`, {
				context: { path, field: "time" },
				hint: `--time ${JSON.stringify(`${basename(path)}=TIME`)} says when it was`,
			});
		}
		return { timeNs: stats.mtimeNs, timeFrom: "modified" };
	}

	#given(name: string): bigint | undefined {
		return this.#options.times.get(name) ?? this.#options.times.get("");
	}
}

async function statOf(path: string) {
	try {
		const stats = await stat(path, { bigint: true });
		return {
			size: Number(stats.size),
			mtimeNs: stats.mtimeNs,
			isFile: () => stats.isFile(),
			isDirectory: () => stats.isDirectory(),
			isBlockDevice: () => stats.isBlockDevice(),
		};
	} catch (error) {
		throw translateFileError(path, error);
	}
}

/** "json:{...}", "nbd://..." and the like (QEMU's protocol prefixes); a path that begins with a slash is none. */
function isForeign(backing: string): boolean {
	return backing === "" || (!backing.startsWith("/") && /^[a-z][a-z0-9+.-]*:/i.test(backing));
}

/** 2 before 10. */
export function naturally(a: string, b: string): number {
	return a.localeCompare(b, "en", { numeric: true }) || (a < b ? -1 : a > b ? 1 : 0);
}
