/** How full the host's filesystems are. */
import { statfs } from "node:fs/promises";
import { type Point, point } from "../../../common/measurements/measurements.ts";
import { type Mount, parseMountInfo } from "../../proc/devices.ts";
import type { KernelTree } from "../../proc/tree.ts";
import { percent } from "../rates.ts";

const MAX_FILESYSTEMS = 64;
/** Longest mount path that is taken for a tag. */
const MAX_PATH = 255;
/** Images that are full by their nature. */
const READ_ONLY_TYPES = new Set(["squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"]);
/** Lie on disks that their source does not name. */
const POOLED_TYPES = new Set(["zfs", "bcachefs"]);

/** What statfs(2) tells, in blocks. */
export interface FilesystemStat {
	readonly bsize: number;
	readonly blocks: number;
	readonly bfree: number;
	readonly bavail: number;
	readonly files: number;
	readonly ffree: number;
}

/**
 * One mount of each filesystem that lies on a disk, in the order of their paths: where all of it is mounted, else the
 * shortest path of those that there are.
 */
export function filesystemsOnDisks(mounts: readonly Mount[]): Mount[] {
	const chosen = new Map<string, Mount>();
	for (const mount of mounts) {
		if (!mount.source.startsWith("/dev/") && !POOLED_TYPES.has(mount.type)) continue;
		if (READ_ONLY_TYPES.has(mount.type) || mount.path.length > MAX_PATH) continue;
		const other = chosen.get(mount.source);
		if (other === undefined || isBetter(mount, other)) chosen.set(mount.source, mount);
	}
	return [...chosen.values()].sort((a, b) => (a.path < b.path ? -1 : 1)).slice(0, MAX_FILESYSTEMS);
}

function isBetter(one: Mount, other: Mount): boolean {
	if ((one.root === "/") !== (other.root === "/")) return one.root === "/";
	return one.path.length < other.path.length;
}

export interface FilesystemReaderOptions {
	/** The tag. */
	readonly host: string;
	readonly tree: KernelTree;
	readonly statfs?: (path: string) => Promise<FilesystemStat>;
	/** How long one filesystem may take to answer. */
	readonly timeoutMs: number;
}

export class FilesystemReader {
	readonly #options: FilesystemReaderOptions;
	/** A filesystem whose disk does not answer keeps a thread until it does: never two of Node's few at a time. */
	#hanging: Promise<unknown> | undefined;

	constructor(options: FilesystemReaderOptions) {
		this.#options = options;
	}

	/** One after another; what follows one that hangs waits for another time. */
	async read(timeNs: bigint): Promise<Point[]> {
		const { host, tree } = this.#options;
		const points: (Point | null)[] = [];
		for (const { path } of filesystemsOnDisks(parseMountInfo(tree.text("/proc/self/mountinfo") ?? ""))) {
			if (this.#hanging !== undefined) break;
			const stat = await this.#stat(path);
			if (stat === undefined || stat.blocks === 0) continue;
			const used = stat.blocks - stat.bfree;
			points.push(
				point("host_filesystem", { host, mount: path }, timeNs, {
					size_bytes: stat.blocks * stat.bsize,
					used_bytes: used * stat.bsize,
					available_bytes: stat.bavail * stat.bsize,
					used_percent: percent(used, used + stat.bavail),
					// Filesystems that make inodes as they go tell of none.
					inodes_used_percent: percent(stat.files - stat.ffree, stat.files),
				}),
			);
		}
		return points.filter((each) => each !== null);
	}

	/** Undefined where it cannot be had, or not in time. */
	async #stat(path: string): Promise<FilesystemStat | undefined> {
		const answer = (this.#options.statfs ?? statfs)(path).catch(() => undefined);
		const { promise: late, resolve } = Promise.withResolvers<"late">();
		const timer = setTimeout(resolve, this.#options.timeoutMs, "late");
		const first = await Promise.race([answer, late]);
		clearTimeout(timer);
		if (first !== "late") return first;
		this.#hanging = answer.finally(() => {
			this.#hanging = undefined;
		});
		return undefined;
	}
}
