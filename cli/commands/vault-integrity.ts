/** `umbra vault chain|rebuild-index|damage|heal`: what vouches for what the vault holds, and what brings it back. */
import type { Command } from "commander";
import type { CatalogCheck } from "../../collector/catalog/catalog-check.ts";
import type { ChainCheck, HeadCheck } from "../../collector/catalog/chain-check.ts";
import type { DamageRecord } from "../../collector/catalog/records.ts";
import type { PatrolStatus } from "../../collector/integrity/patrol.ts";
import type { ChainsResult, VaultJob } from "../../collector/retention/vault-jobs.ts";
import type { RebuildResult } from "../../collector/vault/rebuild.ts";
import { UmbraError } from "../../common/errors.ts";
import { createLogger } from "../../common/log.ts";
import { formatBytes } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, vmPath, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { withOutput } from "./output.ts";
import { follow } from "./vault-job.ts";
import { isoTime } from "./vms.ts";

/** Broken chains, places and files that are shown; --json has more. */
const SHOWN = 20;
/** Offline nobody else wants the disk. */
const UNHURRIED = 2 ** 50;

interface Options extends CollectorOptions {
	readonly json?: true;
}

interface Head {
	readonly vm: string;
	readonly head: string;
	readonly time: string;
	readonly begun: string;
}

type Verified = Pick<HeadCheck, "noted" | "isPart"> & { readonly check: ChainCheck };

export function registerIntegrity(vault: Command): void {
	withCollector(vault.command("chain"))
		.description(
			"the head of the hash chain over a VM's changesets, to note elsewhere; exits with 1 where it is broken",
		)
		.argument("<vm>")
		.option("--verify <head>", "whether a head that was noted earlier is still part of the chain, and the chain holds")
		.option("--json", "one object")
		.action(async (vm: string, options: Options & { readonly verify?: string }) => {
			const client = await CollectorClient.from(options);
			if (options.verify === undefined) {
				const head = await client.get<Head>(vmPath(vm, "chain"));
				console.log(options.json ? JSON.stringify(head) : headText(head).join("\n"));
				return;
			}
			const { parseHead } = await import("../../collector/catalog/chain.ts");
			parseHead(options.verify);
			const found = await client.get<Verified>(vmPath(vm, "chain", "verify"), { head: options.verify });
			console.log(options.json ? JSON.stringify(found) : verifiedText(found).join("\n"));
			if (!found.isPart || found.check.broken !== null) process.exitCode = 1;
		});

	withCollector(vault.command("rebuild-index"))
		.description("have the index say what the packs hold; good parts of damaged packs are written anew")
		.option("--config <file>", "of a collector that does not run: work on its folder")
		.option("--json", "the result as one object")
		.action(async (options: Options & { readonly config?: string }) => {
			const result = options.config === undefined ? await rebuildOnline(options) : await rebuildOffline(options.config);
			console.log(options.json ? JSON.stringify(result) : rebuildText(result).join("\n"));
			if (result.left.length > 0) process.exitCode = 1;
		});

	withCollector(vault.command("damage"))
		.description("what points need and the vault cannot give; exits with 1 where there is any")
		.option("--json", "one object a line")
		.action(async (options: Options) => {
			const client = await CollectorClient.from(options);
			const records = await Array.fromAsync(client.list<DamageRecord>("/v1/vault/damage"));
			await withOutput(async (output) => {
				const lines = options.json
					? records.map((record) => JSON.stringify(record))
					: [...damageText(records), scrubText(await client.get<PatrolStatus>("/v1/vault/scrub"))];
				for (const line of lines) await output.line(line);
			});
			if (records.length > 0) process.exitCode = 1;
		});

	withCollector(vault.command("heal"))
		.description(
			"find out what points miss, and ask the agents for it now; the collector does so by itself from time to time",
		)
		.action(async (options: CollectorOptions) => {
			const client = await CollectorClient.from(options);
			const { check } = await follow(client, await client.post<VaultJob>("/v1/vault/heal"));
			console.log(`${check?.damagedTrees ?? 0} disks at points miss something; umbra vault damage lists it`);
		});
}

async function rebuildOnline(options: Options): Promise<RebuildResult> {
	const client = await CollectorClient.from(options);
	const { rebuild } = await follow(client, await client.post<VaultJob>("/v1/vault/rebuild-index"));
	if (rebuild === null) throw new UmbraError("internal", "the collector did not say what came of it");
	return rebuild;
}

/** @throws UmbraError `conflict` where the collector runs. */
async function rebuildOffline(path: string): Promise<RebuildResult> {
	const { loadCollectorConfig, vaultFolder } = await import("../../collector/config.ts");
	const { loadVaultKey } = await import("../../collector/vault-key.ts");
	const { Vault } = await import("../../collector/vault/vault.ts");
	const config = await loadCollectorConfig(path);
	const { encryption } = config.vault;
	const secret = encryption === undefined ? undefined : await loadVaultKey("vault.encryption", encryption);
	await using vault = await Vault.open({ folder: vaultFolder(config), secret, log: createLogger("umbra", "warn") });
	const isTerminal = process.stderr.isTTY === true;
	const result = await vault.rebuild({
		bytesPerSecond: UNHURRIED,
		onProgress: ({ phase, done, total }) => {
			if (isTerminal) process.stderr.write(`\r\x1b[K${phase}: ${done} of ${total} packs`);
		},
	});
	if (isTerminal) process.stderr.write("\r\x1b[K");
	await vault.flush();
	return result;
}

export function chainsText({ vms, links, before, brokenCount, broken }: ChainsResult): string[] {
	const lines = [
		`${links} links in the hash chains of ${vms} VMs${before > 0 ? `; ${before} older points have none` : ""}`,
	];
	for (const check of broken.slice(0, SHOWN)) lines.push(...brokenText(check));
	if (brokenCount > 0) lines.push(`ALTERED: the history of ${brokenCount} VMs does not hold`);
	return lines;
}

export function catalogText({ records, bytes, damageCount, damage }: CatalogCheck): string[] {
	const lines = [`${records} records in the catalog, ${formatBytes(bytes)}`];
	for (const { place, message } of damage.slice(0, SHOWN)) lines.push(`${printable(place)}: ${message}`);
	if (damageCount > 0) lines.push(`DAMAGED: ${damageCount} places of the catalog`);
	return lines;
}

function brokenText({ vm, broken }: ChainCheck): string[] {
	if (broken === null) return [];
	const { sequence, time, message } = broken;
	const of = time === "" ? "" : ` (${isoTime(time)})`;
	return [`${printable(vm)}: ${sequence === 0 ? "outside of the chain" : `link ${sequence}`}${of}: ${message}`];
}

function headText({ head, time, begun }: Head): string[] {
	return [head, `of ${isoTime(time)}; the chain holds from ${isoTime(begun)} on`];
}

function verifiedText({ noted, isPart, check }: Verified): string[] {
	const lines = [
		isPart ? `${noted} is part of the chain` : `NOT PART OF THE CHAIN: ${noted}. The history was rewritten, or cut.`,
		...brokenText(check),
	];
	if (check.broken === null && check.begun !== null) {
		const { links, dropped, before, begun } = check;
		const older = before > 0 ? `; ${before} older points are not covered` : "";
		lines.push(
			`The chain holds from ${isoTime(begun)} on: ${links} links, ${dropped} of points that were dropped${older}`,
		);
	}
	return lines;
}

function rebuildText(result: RebuildResult): string[] {
	const { packs, readBytes, chunks, found, moved, lost, setAside, left } = result;
	const lines = [
		`${packs} packs read (${formatBytes(readBytes)}): ${chunks} chunks in the index`,
		`${found} found that it did not have, ${moved} found elsewhere, ${lost} lost`,
	];
	if (setAside.length > 0) {
		lines.push(
			`${setAside.length} damaged packs written anew and set aside as *.pack.damaged-*: ${setAside.map(packName).join(", ")}`,
		);
	}
	for (const { pack, message } of left) lines.push(`pack ${packName(pack)} stays as it is: ${message}`);
	if (lost > 0) lines.push("umbra vault check tells which points miss what was lost");
	return lines;
}

function damageText(records: readonly DamageRecord[]): string[] {
	const lines: string[] = [];
	for (const { name, kind, since, vms, places, placeCount, files } of records.slice(0, SHOWN)) {
		lines.push(
			`${kind} ${name}, since ${isoTime(since)}: ${placeCount} disks at points of ${vms.map(printable).join(", ")}`,
		);
		const [newest] = places;
		if (newest !== undefined) {
			const { vm, time, disk, firstBlock, count } = newest;
			const blocks = count === 1 ? `block ${firstBlock}` : `blocks ${firstBlock} to ${firstBlock + count - 1}`;
			lines.push(`    newest: ${printable(vm)}@${isoTime(time)} ${printable(disk)}, ${blocks}`);
		}
		for (const file of files.slice(0, SHOWN)) lines.push(`    ${printable(file)}`);
	}
	if (records.length > SHOWN) lines.push(`... and ${records.length - SHOWN} more`);
	lines.push(records.length === 0 ? "No damage is known" : `DAMAGED: ${records.length} chunks`);
	return lines;
}

function scrubText({ begun, ended, readPacks, readBytes, damagedPacks }: PatrolStatus): string {
	if (begun === null) return "The scrub in the background has not begun";
	const when = ended === null ? `since ${isoTime(begun)}` : `from ${isoTime(begun)} to ${isoTime(ended)}`;
	return `Scrub in the background, ${when}: ${readPacks} packs read (${formatBytes(readBytes)}), ${damagedPacks} damaged`;
}

function packName(id: number): string {
	return id.toString(16).padStart(8, "0");
}
