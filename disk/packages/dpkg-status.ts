/** The text files of dpkg: paragraphs of `status`, `diversions`, `*.md5sums`. Source: dpkg(1), deb-src-control(5), deb-md5sums(5). */
import type { Package } from "./package-db.ts";

/** Policy has no limit; the longest name there is has 70 characters. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9+.-]{0,199}$/;
const ARCH = /^[A-Za-z0-9-]{1,64}$/;
const VERSION = /^[A-Za-z0-9.+:~_-]{1,256}$/;
const MD5 = /^[0-9a-f]{32}$/;
/** States in which a package's files are, or may be, in place. */
const UNPACKED: ReadonlySet<string> = new Set([
	"half-installed",
	"unpacked",
	"half-configured",
	"triggers-awaited",
	"triggers-pending",
	"installed",
]);

export interface DpkgPackage extends Package {
	readonly manager: "dpkg";
	/** False for one that was removed but for its config files. */
	readonly installed: boolean;
	/** Config file, as the package names it -> MD5 as it was shipped. */
	readonly conffiles: ReadonlyMap<string, string>;
}

/**
 * The packages of a `status` file, or of one of `status.d`, where a state is not given. Of packages that are not
 * there, and of paragraphs that make no sense, nothing.
 */
export function* parseStatus(text: string): Generator<DpkgPackage> {
	let fields = new Map<string, string>();
	let last = "";
	for (const line of linesOf(text)) {
		if (line.trim() === "") {
			const found = toPackage(fields);
			if (found !== undefined) yield found;
			fields = new Map();
			last = "";
		} else if (line.startsWith(" ") || line.startsWith("\t")) {
			// Descriptions are most of the file, and wanted by nobody here.
			if (last === "conffiles") fields.set(last, `${fields.get(last) ?? ""}\n${line.slice(1)}`);
		} else {
			const colon = line.indexOf(":");
			last = line.slice(0, Math.max(colon, 0)).toLowerCase();
			if (WANTED.has(last)) fields.set(last, line.slice(colon + 1).trim());
		}
	}
	const found = toPackage(fields);
	if (found !== undefined) yield found;
}

const WANTED: ReadonlySet<string> = new Set(["package", "version", "architecture", "status", "conffiles"]);

function toPackage(fields: ReadonlyMap<string, string>): DpkgPackage | undefined {
	const name = fields.get("package") ?? "";
	const version = fields.get("version") ?? "";
	const arch = fields.get("architecture") ?? "";
	if (!NAME.test(name) || !ARCH.test(arch) || !VERSION.test(version)) return undefined;
	const state = (fields.get("status") ?? "install ok installed").split(/\s+/, 3)[2] ?? "";
	if (state !== "config-files" && !UNPACKED.has(state)) return undefined;
	const installed = state !== "config-files";
	return { manager: "dpkg", name, version, arch, installed, conffiles: parseConffiles(fields.get("conffiles") ?? "") };
}

/** "/etc/x MD5 [obsolete]" lines. One that the package no longer ships has no digest to compare with. */
function parseConffiles(text: string): Map<string, string> {
	const conffiles = new Map<string, string>();
	for (const line of linesOf(text)) {
		const match = /^(\/.*) (\S+?)((?: obsolete| remove-on-upgrade)*)$/.exec(line);
		if (match === null) continue;
		const [, path = "", digest = "", flags = ""] = match;
		conffiles.set(path, flags === "" && MD5.test(digest) ? digest : "");
	}
	return conffiles;
}

export interface Diversion {
	/** Where the file of every package but `by` goes. */
	readonly to: string;
	/** ":" where the administrator diverts it from all packages. */
	readonly by: string;
}

/** Three lines each: from, to, by whom. */
export function parseDiversions(text: string): Map<string, Diversion> {
	const lines = [...linesOf(text)];
	const diversions = new Map<string, Diversion>();
	for (let at = 0; at + 2 < lines.length; at += 3) {
		const [from, to, by] = lines.slice(at, at + 3) as [string, string, string];
		if (from.startsWith("/") && to.startsWith("/")) diversions.set(from, { to, by });
	}
	return diversions;
}

/** [absolute path, MD5] of each line "MD5  usr/bin/x". */
export function* parseMd5sums(text: string): Generator<readonly [string, string]> {
	for (const line of linesOf(text)) {
		const digest = line.slice(0, 32);
		if (line.length > 34 && MD5.test(digest) && line[32] === " ") {
			yield [`/${line.slice(34).replace(/^\.?\/+/, "")}`, digest];
		}
	}
}

function* linesOf(text: string): Generator<string> {
	for (let at = 0; at < text.length; ) {
		const end = text.indexOf("\n", at);
		yield end === -1 ? text.slice(at) : text.slice(at, end);
		at = end === -1 ? text.length : end + 1;
	}
}
