/** Who changed a file, who was logged in and what packages did, as people read it. */
import type {
	ActorRecord,
	PackageChangeRecord,
	PackageFileRecord,
	SessionRecord,
} from "../collector/catalog/records.ts";
import { printable } from "./printable.ts";
import { paint } from "./table.ts";

const SHOWN_ACTORS = 3;
const SHOWN_PACKAGES = 20;

/** Of the newest actors; empty where nobody is known. */
export function actorsText(actors: readonly ActorRecord[] = []): string {
	const texts = actors.slice(0, SHOWN_ACTORS).map(actorText);
	if (actors.length > SHOWN_ACTORS) texts.push(`${actors.length - SHOWN_ACTORS} more`);
	return texts.join(", ");
}

function actorText({ user, account, host, process, executable, source }: ActorRecord): string {
	const from = host === "" ? "" : ` from ${host}`;
	const who = user === "" ? account : account === "" || account === user ? user : `${user} as ${account}`;
	const what = executable || process;
	const text = [who + from, what === "" ? "" : `with ${what}`].filter((part) => part !== "").join(" ");
	return printable(source === "sudo" ? `${text} (named in a sudo command)` : text);
}

/** Empty for a file of no package. */
export function packageText(file: PackageFileRecord | undefined): string {
	if (file === undefined) return "";
	const { name, version, event, state, explained } = file;
	const owner = printable(`${name} ${version}`);
	if (explained) return paint("dim", `${owner} ${event}`);
	if (state === "modified") return paint("yellow", `not what ${owner} shipped`);
	if (state === "config") return `edited configuration of ${owner}`;
	if (state === "missing") return paint("yellow", `missing from ${owner}`);
	return `of ${owner}`;
}

/** One a login. */
export function sessionLines(sessions: readonly SessionRecord[] = []): string[] {
	return sessions.map(({ user, tty, host, from, to }) => {
		const where = [tty, host === "" ? "" : `from ${host}`].filter((part) => part !== "").join(" ");
		const until = to === null ? "still there" : `until ${secondsText(to)}`;
		return `logged in: ${printable(`${user} ${where}`.trim())}, since ${secondsText(from)}, ${until}`;
	});
}

/** One a package that was installed, upgraded or removed; of many, the first. */
export function packageLines(packages: readonly PackageChangeRecord[] = []): string[] {
	const lines = packages.slice(0, SHOWN_PACKAGES).map(({ package: name, before, after }) => {
		if (before === "") return `package installed: ${printable(`${name} ${after}`)}`;
		if (after === "") return `package removed: ${printable(`${name} ${before}`)}`;
		return `package upgraded: ${printable(`${name} ${before} -> ${after}`)}`;
	});
	if (packages.length > SHOWN_PACKAGES) lines.push(`and ${packages.length - SHOWN_PACKAGES} more packages`);
	return lines;
}

/** A time by the guest's clock, in seconds since 1970, which may be any number. */
function secondsText(seconds: number): string {
	const date = new Date(seconds * 1000);
	return Number.isNaN(date.getTime()) ? "?" : date.toISOString().replace(/\.\d+Z$/, "Z");
}
