/** Who changed a file and which package explains it, as a few words behind its line. */
import type { ActorRecord, PackageFileRecord } from "../collector/catalog/records.ts";
import { printable } from "./printable.ts";
import { paint } from "./table.ts";

const SHOWN_ACTORS = 3;

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
