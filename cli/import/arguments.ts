/** What `umbra import` is told, and what follows from it. */
import { hostname } from "node:os";
import { join } from "node:path";
import type { LookOptions } from "../../agent/import/images.ts";
import { parseGivenTime } from "../../agent/import/name-time.ts";
import type { Shadow } from "../../agent/import/shadow.ts";
import type { UplinkAccess } from "../../agent/uplink/access.ts";
import { UmbraError } from "../../common/errors.ts";
import { parseBytes, parseDuration } from "../../common/units.ts";
import { IMAGE_FORMATS } from "../../disk/source/image-format.ts";
import { cacheFolder } from "../cache-folder.ts";

/** As commander gives them. */
export interface ImportArguments {
	readonly disk: readonly string[];
	readonly time: readonly string[];
	readonly timeFrom?: string;
	readonly present?: true;
	readonly chain: boolean;
	readonly format?: string;
	readonly within: string;
	readonly config?: string;
	readonly address?: string;
	readonly tokenFile?: string;
	readonly ca?: string;
	readonly cert?: string;
	readonly key?: string;
	readonly serverName?: string;
	readonly state?: string;
	readonly spool?: string;
	readonly threads?: number;
	readonly dryRun?: true;
	readonly json?: true;
}

export interface DiskSource {
	/** Undefined: whatever the VM's one disk is called. */
	readonly disk: string | undefined;
	readonly source: string;
}

/** Where the collector is, and what is kept on this host. */
export interface Site {
	readonly address: string;
	readonly access: UplinkAccess;
	readonly host: string;
	/** What is remembered of imports into that collector. */
	readonly folder: string;
	readonly threads: number;
	readonly spoolBytes: number;
}

const DEFAULT_ADDRESS = "127.0.0.1:7071";
const DEFAULT_SPOOL_BYTES = 2 * 2 ** 30;
const DEFAULT_THREADS = 2;
const MAX_THREADS = 64;
/** What a disk is called where neither an operator nor the collector says. */
export const FIRST_DISK = "vda";

/** @throws UmbraError `bad-config`. */
export function sourcesOf(sources: readonly string[], disks: readonly string[]): DiskSource[] {
	const named = disks.filter((disk) => !disk.includes("="));
	if (named.length > 1) throw usage("--disk", named.join(", "), "one name for SOURCE; NAME=SOURCE for the others");
	const found: DiskSource[] = sources.map((source) => ({ disk: named[0], source }));
	for (const disk of disks) {
		const at = disk.indexOf("=");
		if (at < 0) continue;
		const [name, source] = [disk.slice(0, at), disk.slice(at + 1)];
		if (name === "" || source === "") throw usage("--disk", disk, "NAME=SOURCE");
		found.push({ disk: name, source });
	}
	if (found.length > 0) return found;
	throw new UmbraError("bad-config", "nothing to import from", {
		hint: "umbra import VM SOURCE..., or --disk NAME=SOURCE for each disk of the VM",
	});
}

/** The disk that a source without a name is of. @throws UmbraError `bad-config` where there are several to choose from. */
export function onlyDisk(vm: string, shadow: Pick<Shadow, "disks" | "points">): string {
	const imported = [...shadow.points.values()].flatMap((point) => [...point.disks.keys()]);
	const disks = [...new Set([...shadow.disks, ...imported])];
	if (disks.length > 1) {
		throw new UmbraError("bad-config", `VM ${vm} has disks ${disks.join(", ")}: which of them is it?`, {
			context: { field: "disk", wanted: disks.join(", ") },
			hint: "--disk NAME, or --disk NAME=SOURCE for each of them",
		});
	}
	return disks[0] ?? FIRST_DISK;
}

/** @throws UmbraError `bad-config`. */
export function lookOptions(options: ImportArguments, signal: AbortSignal): LookOptions {
	const { format, timeFrom, present, chain } = options;
	const known = IMAGE_FORMATS.find((candidate) => candidate === format);
	if (format !== undefined && known === undefined) throw usage("--format", format, IMAGE_FORMATS.join(", "));
	if (timeFrom !== undefined && timeFrom !== "name" && timeFrom !== "modified") {
		throw usage("--time-from", timeFrom, "name or modified");
	}
	return { format: known, timeFrom, present: present === true, chain, times: givenTimes(options.time), signal };
}

/** @throws UmbraError `bad-config`. */
function givenTimes(times: readonly string[]): Map<string, bigint> {
	const given = new Map<string, bigint>();
	for (const text of times) {
		const at = text.lastIndexOf("=");
		const name = text.slice(0, Math.max(0, at));
		if (given.has(name)) throw usage("--time", text, "each name once");
		given.set(name, parseGivenTime(text.slice(at + 1)));
	}
	return given;
}

/** @throws UmbraError `bad-config`. */
export function withinNs(text: string): bigint {
	return BigInt(Math.round(parseDuration(text))) * 1_000_000n;
}

/** From an agent's settings, or from what is given here. @throws UmbraError `bad-config`, `not-found`. */
export async function siteOf(options: ImportArguments): Promise<Site> {
	const { config, state, spool, threads } = options;
	if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)) {
		throw usage("--threads", String(threads), `1 to ${MAX_THREADS}`);
	}
	const { uplinkAccess } = await import("../../agent/uplink/access.ts");
	if (config !== undefined) {
		refuseBoth(options);
		const { loadAgentConfig } = await import("../../agent/config.ts");
		const agent = await loadAgentConfig(config);
		return {
			address: agent.collector.address,
			access: await uplinkAccess(agent.collector),
			host: agent.host ?? hostname(),
			folder: state ?? join(agent.dataDir, "import"),
			threads: threads ?? agent.threads,
			spoolBytes: spool === undefined ? agent.spool.limit : parseBytes(spool),
		};
	}
	const { address = DEFAULT_ADDRESS, tokenFile, ca, cert, key, serverName } = options;
	const tls = { ca, cert, key, serverName };
	const hasTls = Object.values(tls).some((value) => value !== undefined);
	return {
		address,
		access: await uplinkAccess({ tokenFile, tls: hasTls ? tls : undefined }),
		host: hostname(),
		folder: state ?? defaultFolder(address),
		threads: threads ?? DEFAULT_THREADS,
		spoolBytes: spool === undefined ? DEFAULT_SPOOL_BYTES : parseBytes(spool),
	};
}

function refuseBoth({ address, tokenFile, ca, cert, key, serverName }: ImportArguments): void {
	const given = Object.entries({ address, tokenFile, ca, cert, key, serverName }).find(
		([, value]) => value !== undefined,
	);
	if (given !== undefined)
		throw usage("--config", `with --${given[0]}`, "either: the agent's settings say how to reach the collector");
}

function defaultFolder(address: string): string {
	const folder = cacheFolder("import");
	if (folder !== undefined) return join(folder, encodeURIComponent(address));
	throw new UmbraError("bad-config", "there is no folder of this user's own to remember the import in", {
		hint: "--state names one; with --config it is the agent's",
	});
}

function usage(field: string, found: string, wanted: string): UmbraError {
	return new UmbraError("bad-config", `${field}: ${found}; wanted ${wanted}`, { context: { field, found, wanted } });
}
