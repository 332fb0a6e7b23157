/** Where a machine's volumes appear in its own tree, from fstab(5) of its root filesystem. */
import { posix } from "node:path";
import { isUmbraError } from "../../common/errors.ts";
import type { Filesystem } from "../filesystem.ts";
import { resolvePath } from "../path.ts";

const MAX_FSTAB = 256 * 1024;
/** Each is held against each. */
const MAX_ENTRIES = 128;
const MAX_LINE = 8192;
/** The longest name of a device, a mapping's, has 127. */
const MAX_SPEC = 512;

/** A volume of a machine whose filesystem was opened. */
export interface GuestVolume {
	/** As `Volume.disk` and `Volume.id`. */
	readonly disk: number;
	readonly id: string;
	readonly filesystem: Filesystem;
}

export interface FstabEntry {
	/** "UUID=...", "/dev/sda1", "/srv" for a bind mount, ... */
	readonly spec: string;
	/** Absolute, without a slash at the end. */
	readonly point: string;
	readonly type: string;
	readonly options: readonly string[];
}

/** A folder of a volume, by `base`, appears at `point`. */
export interface Mount {
	/** Absolute in the guest. */
	readonly point: string;
	/** Counts the table's volumes. */
	readonly volume: number;
	/** Absolute in the volume: "/", but for bind mounts. */
	readonly base: string;
}

export interface VolumePath {
	/** Counts the table's volumes. */
	readonly volume: number;
	readonly path: string;
}

/** Lines that make no sense are skipped. Blanks in names stand as `\040`, see fstab(5). */
export function parseFstab(text: string): FstabEntry[] {
	const entries: FstabEntry[] = [];
	for (const line of text.split("\n")) {
		const [spec, point, type, options] = line.trim().split(/[ \t]+/, 4);
		if (spec === undefined || spec.startsWith("#") || type === undefined) continue;
		if (point === undefined || !point.startsWith("/") || line.length > MAX_LINE || spec.length > MAX_SPEC) continue;
		entries.push({
			spec: unescapeOctal(spec.replace(/^(\w+)="(.*)"$/, "$1=$2")),
			point: normalise(unescapeOctal(point)),
			type,
			options: (options ?? "").split(","),
		});
		if (entries.length === MAX_ENTRIES) break;
	}
	return entries;
}

export class MountTable {
	readonly volumes: readonly GuestVolume[];
	/** The longest points first. */
	readonly mounts: readonly Mount[];

	constructor(volumes: readonly GuestVolume[], mounts: readonly Mount[]) {
		this.volumes = volumes;
		this.mounts = mounts.toSorted((a, b) => b.point.length - a.point.length);
	}

	/** Which volume holds `guestPath`, symlinks not followed; undefined where no known volume is mounted. */
	toVolume(guestPath: string): VolumePath | undefined {
		const path = normalise(guestPath);
		for (const { point, volume, base } of this.mounts) {
			const rest = below(path, point);
			if (rest !== undefined) return { volume, path: normalise(`${base}/${rest}`) };
		}
		return undefined;
	}

	/** The paths under which the guest sees a file of a volume; none where it is not mounted or is covered by a mount. */
	toGuest({ volume, path }: VolumePath): string[] {
		const wanted = normalise(path);
		const found: string[] = [];
		for (const mount of this.mounts) {
			if (mount.volume !== volume) continue;
			const rest = below(wanted, mount.base);
			if (rest === undefined) continue;
			const guestPath = normalise(`${mount.point}/${rest}`);
			const back = this.toVolume(guestPath);
			if (back?.volume === volume && back.path === wanted) found.push(guestPath);
		}
		return found;
	}
}

/**
 * The root is the volume whose fstab mounts it at "/", else the first with an /etc/fstab, else with an /etc/passwd.
 * Without a root the table is empty.
 *
 * @throws UmbraError `unavailable` where a disk cannot be read; never for what is on it.
 */
export async function readMounts(volumes: readonly GuestVolume[], signal?: AbortSignal): Promise<MountTable> {
	const tables: (FstabEntry[] | undefined)[] = [];
	for (const { filesystem } of volumes) tables.push(await readFstab(filesystem, signal));
	let root = tables.findIndex((entries, volume) => {
		const entry = entries?.find(({ point }) => point === "/");
		return entry !== undefined && findVolume(volumes, entry.spec) === volume;
	});
	if (root === -1) root = tables.findIndex((entries) => entries !== undefined);
	for (let volume = 0; root === -1 && volume < volumes.length; volume++) {
		if (await isFile(volumes[volume]!.filesystem, "/etc/passwd", signal)) root = volume;
	}
	if (root === -1) return new MountTable(volumes, []);
	return new MountTable(volumes, placeEntries(volumes, root, tables[root] ?? []));
}

function placeEntries(volumes: readonly GuestVolume[], root: number, entries: readonly FstabEntry[]): Mount[] {
	const placed = new Map<string, Mount>([["/", { point: "/", volume: root, base: "/" }]]);
	const unknown: FstabEntry[] = [];
	for (const entry of entries) {
		if (placed.has(entry.point) || entry.type === "swap" || isBind(entry)) continue;
		const volume = findVolume(volumes, entry.spec);
		if (volume !== undefined) placed.set(entry.point, { point: entry.point, volume, base: "/" });
		else if (/^(\w+=|\/dev\/)/.test(entry.spec)) unknown.push(entry);
	}
	// Names that only the guest's kernel knows, such as PARTUUID: still told where one volume of the type is left.
	for (const entry of unknown) {
		const rivals = unknown.filter(({ type }) => type === entry.type);
		const taken = new Set([...placed.values()].map(({ volume }) => volume));
		const free = volumes.flatMap(({ filesystem }, volume) =>
			filesystem.kind === entry.type && !taken.has(volume) ? [volume] : [],
		);
		if (rivals.length === 1 && free.length === 1) {
			placed.set(entry.point, { point: entry.point, volume: free[0]!, base: "/" });
		}
	}
	for (const entry of entries) {
		if (placed.has(entry.point) || !isBind(entry) || !entry.spec.startsWith("/")) continue;
		const source = new MountTable(volumes, [...placed.values()]).toVolume(entry.spec);
		if (source !== undefined) placed.set(entry.point, { point: entry.point, volume: source.volume, base: source.path });
	}
	return [...placed.values()];
}

function isBind({ options }: FstabEntry): boolean {
	return options.includes("bind") || options.includes("rbind");
}

function findVolume(volumes: readonly GuestVolume[], spec: string): number | undefined {
	const matches = matcher(spec);
	const found = matches === undefined ? [] : volumes.flatMap((volume, at) => (matches(volume) ? [at] : []));
	return found.length === 1 ? found[0] : undefined;
}

function matcher(spec: string): ((volume: GuestVolume) => boolean) | undefined {
	const named = /^(?:(UUID|LABEL)=|\/dev\/disk\/by-(uuid|label)\/)(.+)$/.exec(spec);
	if (named !== null) {
		const [, tag, folder, value] = named;
		if ((tag ?? folder)!.toLowerCase() === "label") {
			// udev writes what a file name may not hold as \xNN.
			const label = tag !== undefined ? value! : value!.replace(/\\x([0-9a-f]{2})/gi, (_, hex) => character(hex, 16));
			return ({ filesystem }) => filesystem.label === label;
		}
		const uuid = plainUuid(value!);
		return uuid === "" ? undefined : ({ filesystem }) => plainUuid(filesystem.uuid) === uuid;
	}
	const mapped = /^\/dev\/mapper\/((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(spec);
	if (mapped !== null) {
		const id = `${mapped[1]!.replaceAll("--", "-")}/${mapped[2]!.replaceAll("--", "-")}`;
		return (volume) => volume.id === id;
	}
	const disk = /^\/dev\/(?:(?:sd|vd|xvd|hd)([a-z])(\d*)|nvme(\d{1,3})n1(?:p(\d+))?)$/.exec(spec);
	if (disk !== null) {
		// Linux names disks of one kind in the order in which it finds them, which is that of the machine's configuration.
		const number = disk[1] !== undefined ? disk[1].charCodeAt(0) - 97 : Number(disk[3]);
		const id = disk[2] ?? disk[4] ?? "";
		return (volume) => volume.disk === number && volume.id === id;
	}
	const logical = /^\/dev\/([^/]+\/[^/]+)$/.exec(spec);
	return logical === null ? undefined : ({ id }) => id === logical[1];
}

function plainUuid(uuid: string): string {
	return uuid.replaceAll("-", "").toLowerCase();
}

async function readFstab(filesystem: Filesystem, signal: AbortSignal | undefined): Promise<FstabEntry[] | undefined> {
	try {
		const { node } = await resolvePath(filesystem, "/etc/fstab", { followLast: true, signal });
		if (node.type !== "file") return undefined;
		const bytes = await filesystem.readFile(node, 0, Math.min(node.size, MAX_FSTAB), signal);
		return parseFstab(Buffer.from(bytes).toString("utf8"));
	} catch (error) {
		return absent(error);
	}
}

async function isFile(filesystem: Filesystem, path: string, signal: AbortSignal | undefined): Promise<boolean> {
	try {
		return (await resolvePath(filesystem, path, { followLast: true, signal })).node.type === "file";
	} catch (error) {
		return absent(error) ?? false;
	}
}

/** A volume without the file, or with a damaged one, is no root. A disk that is gone is another matter. */
function absent(error: unknown): undefined {
	if (isUmbraError(error, "not-found", "corrupt", "truncated", "unsupported", "limit")) return undefined;
	throw error;
}

/** "home/a" for "/srv/home/a" below "/srv"; undefined where it lies elsewhere. */
function below(path: string, folder: string): string | undefined {
	if (path === folder) return "";
	const prefix = folder === "/" ? "/" : `${folder}/`;
	return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}

/** Absolute, without "//", "." and ".." and without a slash at the end. */
export function normalise(path: string): string {
	if (path.startsWith("/") && !/\/(?:\.{0,2})(?:\/|$)/.test(path)) return path;
	const plain = posix.normalize(`/${path}`);
	return plain.length > 1 && plain.endsWith("/") ? plain.slice(0, -1) : plain;
}

function unescapeOctal(text: string): string {
	return text.replace(/\\([0-3][0-7]{2})/g, (_, octal) => character(octal, 8));
}

function character(digits: string, base: number): string {
	return String.fromCharCode(Number.parseInt(digits, base));
}
