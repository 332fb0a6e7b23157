/** `umbra ls`: the files inside an image. */
import type { Command } from "commander";
import type { UmbraError } from "../../common/errors.ts";
import { isAbort } from "../../common/errors.ts";
import type { Volume } from "../../disk/disk.ts";
import type { FileNode, Filesystem, FileType, Link } from "../../disk/filesystem.ts";
import type { ListedName, ListedNode, ListName } from "../../disk/listing.ts";
import type { Owners } from "../../disk/owners.ts";
import { toDiskRanges } from "../../disk/segments.ts";
import { printable } from "../printable.ts";
import {
	asUmbraError,
	collect,
	IMAGE_HELP,
	openMachine,
	type PlacedVolume,
	parseImageSpec,
	selectPath,
	selectVolumes,
	WITH_HELP,
	warn,
} from "./image.ts";
import { type Output, withOutput } from "./output.ts";

interface Options {
	readonly recursive?: boolean;
	readonly json?: boolean;
	readonly extents?: boolean;
	readonly with?: readonly string[];
}

/** Deeper paths are left out with a warning: a guest can nest directories until their paths fill any memory. */
const MAX_PATH = 16384;
const MAX_WARNINGS = 10;

export function register(program: Command): void {
	program
		.command("ls")
		.description("list files inside an image")
		.argument("<image>", "image file or NBD URI, with #N for one partition, #vg/lv for one logical volume")
		.argument("[path]", "directory or file inside it", "/")
		.option("-R, --recursive", "list everything below the path")
		.option("--json", "one JSON object a line")
		.option(
			"--extents",
			"where the content lies, in bytes from the start of the disk; what lies on a further disk names it",
		)
		.option("--with <image>", WITH_HELP, collect)
		.addHelpText("after", IMAGE_HELP)
		.action((image: string, path: string, options: Options) =>
			withOutput((output, signal) => list(image, path, options, output, signal)),
		);
}

async function list(image: string, path: string, options: Options, output: Output, signal: AbortSignal): Promise<void> {
	const spec = await parseImageSpec(image);
	await using opened = new AsyncDisposableStack();
	const sources = await openMachine(spec.image, options.with ?? [], opened, signal);
	const places = selectPath(await selectVolumes(sources, spec.volume, signal), path);
	const failures: UmbraError[] = [];
	for (const place of places) {
		try {
			await listVolume(place.placed, place.path, options, output, signal);
		} catch (error) {
			if (isAbort(error) || places.length === 1) throw error;
			// One bad filesystem does not hide the others.
			const failure = asUmbraError(error);
			failures.push(failure);
			warn(failure.message);
		}
	}
	if (failures.length === places.length) throw failures[0]!;
}

async function listVolume(
	{ volume, prefix }: PlacedVolume,
	path: string,
	options: Options,
	output: Output,
	signal: AbortSignal,
): Promise<void> {
	const { resolvePath } = await import("../../disk/path.ts");
	const filesystem = await volume.open(signal);
	const top = await resolvePath(filesystem, path, { followLast: path.endsWith("/"), signal });
	const printer = await createPrinter(filesystem, volume, options, output, signal);
	const below = prefix + (top.path === "/" ? "" : top.path);
	try {
		if (top.node.type !== "dir") {
			const slash = below.lastIndexOf("/");
			await printer.print(below.slice(0, slash), below.slice(slash + 1), top.node);
		} else if (options.recursive === true) {
			await listTree(filesystem, top.node, below, printer, signal);
		} else {
			const entries = await filesystem.readDirectory(top.node, signal);
			if (options.json !== true) entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
			for (const { name, inode } of entries) {
				try {
					await printer.print(below, name, await filesystem.node(inode, signal));
				} catch (error) {
					const failure = asUmbraError(error);
					if (isAbort(error) || failure.code === "unavailable") throw error;
					warn(`${below}/${name}: ${failure.message}`);
				}
			}
		}
	} finally {
		await printer.end?.();
	}
	for (const problem of filesystem.problems.slice(0, MAX_WARNINGS)) warn(problem.message);
	const more = filesystem.problems.length - MAX_WARNINGS;
	if (more > 0) warn(`and ${more} more problems`);
}

async function listTree(
	filesystem: Filesystem,
	top: FileNode,
	below: string,
	{ print, printListed }: Printer,
	signal: AbortSignal,
): Promise<void> {
	const directories = new Map<number, string>([[top.inode, below]]);
	let tooDeep = 0;
	/** The directory of the last name, which is mostly that of the next. */
	let lastParent = top.inode;
	let directory: string | undefined = below;
	/** The path of a directory; undefined where this name in it is left out. */
	const enter = (parent: number, name: ListedName, { type, inode }: ListedNode): string | undefined => {
		if (parent !== lastParent) {
			lastParent = parent;
			directory = directories.get(parent);
		}
		if (directory === undefined) return undefined;
		if (directory.length + 1 + name.length > MAX_PATH) {
			tooDeep++;
			return undefined;
		}
		if (type === "dir") directories.set(inode, `${directory}/${name}`);
		return directory;
	};
	if (printListed !== undefined && filesystem.list !== undefined) {
		const each: ListName = (parent, name, node) => {
			const directory = enter(parent, name, node);
			return directory === undefined ? undefined : printListed(directory, name, node);
		};
		await filesystem.list(top.inode, each, signal);
	} else {
		const { nodes, links } = await filesystem.scan(signal);
		for (const { parent, name, inode } of links as readonly Link[]) {
			const node = nodes.get(inode);
			const directory = node === undefined ? undefined : enter(parent, name, node);
			const printed = directory === undefined ? undefined : print(directory, name, node!);
			if (printed !== undefined) await printed;
		}
	}
	if (tooDeep > 0) warn(`${tooDeep} paths of more than ${MAX_PATH} characters are left out`);
}

/** Prints a file by its directory's path, which is empty for the root, and its name in there. */
type Print<N, Name = string> = (directory: string, name: Name, node: N) => Promise<void> | undefined;

interface Printer {
	readonly print: Print<FileNode>;
	/** Where what a listing tells is enough. */
	readonly printListed?: Print<ListedNode, ListedName>;
	/** Hands over what is still held back. */
	readonly end?: () => Promise<void>;
}

async function createPrinter(
	filesystem: Filesystem,
	{ segments }: Volume,
	{ json, extents, with: others }: Options,
	output: Output,
	signal: AbortSignal,
): Promise<Printer> {
	const extentsOf = ({ data }: FileNode): (number | string)[][] => {
		const places: (number | string)[][] = [];
		for (let at = 0; at < data.length; at += 2) {
			for (const { disk, offset, length } of toDiskRanges(segments, data[at]!, data[at + 1]!)) {
				places.push(disk === 0 ? [offset, length] : [offset, length, others?.[disk - 1] ?? ""]);
			}
		}
		return places;
	};
	if (json === true) {
		const { JsonLines } = await import("./json-lines.ts");
		const lines = new JsonLines(output);
		const end = () => lines.flush();
		if (extents === true) {
			return {
				print: (directory, name, node) => lines.line(directory, name, node, JSON.stringify(extentsOf(node))),
				end,
			};
		}
		const print: Print<ListedNode, ListedName> = (directory, name, node) => lines.line(directory, name, node);
		return { print, printListed: print, end };
	}
	const { NO_OWNERS, readOwners } = await import("../../disk/owners.ts");
	const owners = (await readOwners(filesystem, signal)) ?? NO_OWNERS;
	const printText = (path: string, node: FileNode, target: string): Promise<void> | undefined => {
		const text = formatLine(node, owners) + printable(path) + (target === "" ? "" : ` -> ${printable(target)}`);
		if (extents !== true) return output.line(text);
		const places = extentsOf(node).map(
			([start, length, disk]) => `${disk === undefined ? "" : `${disk}:`}${start}+${length}`,
		);
		return output.line(`${text}${places.length > 0 ? `  [${places.join(" ")}]` : ""}`);
	};
	return {
		print: (directory, name, node) => {
			const path = `${directory}/${name}`;
			if (node.type !== "symlink") return printText(path, node, "");
			return readTarget(filesystem, node, signal).then((target) => printText(path, node, target));
		},
	};
}

async function readTarget(filesystem: Filesystem, node: FileNode, signal: AbortSignal): Promise<string> {
	try {
		return await filesystem.readLink(node, signal);
	} catch (error) {
		if (isAbort(error)) throw error;
		return `(${asUmbraError(error).message})`;
	}
}

const TYPE_LETTERS: Readonly<Record<FileType, string>> = {
	file: "-",
	dir: "d",
	symlink: "l",
	char: "c",
	block: "b",
	fifo: "p",
	socket: "s",
};

/** As `ls -l`: "-rw-r--r--  1 root     root        1234 2026-11-21 19:48:03 ". */
function formatLine(node: FileNode, { users, groups }: Owners): string {
	const owner = printable(users.get(node.uid) ?? String(node.uid)).padEnd(8);
	const group = printable(groups.get(node.gid) ?? String(node.gid)).padEnd(8);
	const links = String(node.nlink).padStart(3);
	return `${formatMode(node)} ${links} ${owner} ${group} ${String(node.size).padStart(12)} ${formatSeconds(node.mtime)} `;
}

export function formatMode({ type, mode }: Pick<FileNode, "type" | "mode">): string {
	const special = [0o4000, 0o2000, 0o1000].map((bit) => (mode & bit) !== 0);
	let text = TYPE_LETTERS[type];
	for (let who = 0; who < 3; who++) {
		const bits = (mode >> (6 - who * 3)) & 7;
		const execute = (bits & 1) !== 0;
		const letter = who === 2 ? "t" : "s";
		text += (bits & 4) !== 0 ? "r" : "-";
		text += (bits & 2) !== 0 ? "w" : "-";
		text += special[who] ? (execute ? letter : letter.toUpperCase()) : execute ? "x" : "-";
	}
	return text;
}

function formatSeconds(seconds: number): string {
	const date = new Date(seconds * 1000);
	return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().slice(0, 19).replace("T", " ");
}
