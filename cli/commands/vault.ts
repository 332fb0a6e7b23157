/** `umbra vault`: how large it is, giving back space, and looking for damage. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { VaultJob } from "../../collector/retention/vault-jobs.ts";
import type { GcResult } from "../../collector/vault/gc.ts";
import type { ScrubResult } from "../../collector/vault/scrub.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { formatBytes, parseBytes } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { withOutput } from "./output.ts";
import { catalogText, chainsText, registerIntegrity } from "./vault-integrity.ts";
import { follow, progressText } from "./vault-job.ts";
import { isoTime } from "./vms.ts";

/** Damage that is shown; --json has more. */
const SHOWN = 20;

interface Options extends CollectorOptions {
	readonly json?: true;
}

interface CheckOptions extends Options {
	readonly readData?: true;
	readonly sample?: number;
	readonly limit?: number;
}

interface RotateOptions {
	readonly config: string;
	readonly newKeyFile?: string;
	readonly newKeyEnv?: string;
}

interface Stats {
	readonly vms: number;
	readonly points: number;
	readonly diskBytes: number;
	readonly chunks: number;
	readonly packs: number;
	readonly storedBytes: number;
	readonly lastGc: VaultJob | null;
}

export function register(program: Command): void {
	const vault = program.command("vault").description("the collector's store of block contents");

	withCollector(vault.command("stats"))
		.description("how much is stored")
		.option("--json", "one object")
		.action(async (options: Options) => {
			const client = await CollectorClient.from(options);
			const stats = await client.get<Stats>("/v1/vault/stats");
			console.log(options.json ? JSON.stringify(stats) : statsText(stats).join("\n"));
		});

	withCollector(vault.command("gc"))
		.description("give back the space of what no point needs; captures and restores go on meanwhile")
		.option("--dry-run", "only say what would go")
		.option("--grace <duration>", "what was brought or asked for within this time stays (default: gc.grace, 1d)")
		.option("--json", "the result as one object")
		.action(async (options: Options & { readonly dryRun?: true; readonly grace?: string }) => {
			const { dryRun, grace } = options;
			const client = await CollectorClient.from(options);
			const job = await follow(
				client,
				await client.post<VaultJob>("/v1/vault/gc", { dryRun: dryRun ? "1" : undefined, grace }),
			);
			if (job.gc === null) throw new UmbraError("internal", "the collector did not say what came of it");
			console.log(options.json ? JSON.stringify(job.gc) : gcText(job.gc, dryRun === true).join("\n"));
		});

	withCollector(vault.command("check"))
		.description("look for damage: the structure of packs and disks, and with --read-data every byte")
		.option("--read-data", "read every pack and verify what it holds")
		.option("--sample <share>", "read so many of the packs, chosen at random, such as 5%; implies --read-data", share)
		.option("--limit <size>", "read at most so much a second, such as 50MiB (default: as fast as it goes)", rate)
		.option("--json", "the result as one object")
		.action(async (options: CheckOptions) => {
			const readShare = options.sample ?? (options.readData ? 1 : 0);
			const client = await CollectorClient.from(options);
			const wanted = { readShare, bytesPerSecond: options.limit };
			const job = await follow(client, await client.post<VaultJob>("/v1/vault/check", wanted));
			const { check, chains, catalog } = job;
			if (catalog === null) throw new UmbraError("internal", "the collector did not say what came of it");
			await withOutput(async (output) => {
				const lines = options.json
					? [JSON.stringify({ ...check, chains, catalog })]
					: [
							...(check === null ? [] : checkText(check)),
							...(chains === null ? [] : chainsText(chains)),
							...catalogText(catalog),
						];
				if (!options.json && chains === null) lines.push("Disks and hash chains could not be checked for it");
				for (const line of lines) await output.line(line);
			});
			const isDamaged = check === null || check.packDamageCount > 0 || check.damagedTrees > 0;
			if (isDamaged || chains === null || chains.brokenCount > 0 || catalog.damageCount > 0) process.exitCode = 1;
		});

	vault
		.command("init-key")
		.description("make a file with a new key, to encrypt a vault with (vault.encryption.keyFile)")
		.argument("<file>", "must not exist yet")
		.action(async (file: string) => {
			const { makeVaultKey } = await import("../../collector/vault-key.ts");
			await makeVaultKey(file);
			console.log(`Made ${file}. Keep a copy where the vault's backup is not: without it nobody can read the vault.`);
		});

	vault
		.command("rotate-key")
		.description("have another key open the vault from now on; with the collector stopped, on its machine")
		.requiredOption("--config <file>", "the collector's settings, with the present key")
		.addOption(new Option("--new-key-file <file>", "one line; umbra vault init-key makes one").conflicts("newKeyEnv"))
		.option("--new-key-env <name>", "an environment variable that holds the new key")
		.action(async (options: RotateOptions) => {
			const { rotateVaultKey } = await import("../../collector/vault-key.ts");
			const { loadCollectorConfig } = await import("../../collector/config.ts");
			const next = { keyFile: options.newKeyFile, keyEnv: options.newKeyEnv };
			await rotateVaultKey(await loadCollectorConfig(options.config), next);
			console.log(
				"The vault opens with the new key only. Set it in vault.encryption, and back up the vault's keyring anew.",
			);
		});

	registerIntegrity(vault);

	withCollector(vault.command("job"))
		.description("the job that runs in the vault, or the last that did")
		.option("--json", "one object")
		.action(async (options: Options) => {
			const client = await CollectorClient.from(options);
			const job = await client.get<VaultJob>("/v1/vault/job");
			console.log(
				options.json ? JSON.stringify(job) : `${job.kind} since ${isoTime(job.started)}: ${progressText(job)}`,
			);
		});

	withCollector(vault.command("stop"))
		.description("end the job that runs in the vault; nothing is lost by it")
		.action(async (options: CollectorOptions) => {
			const client = await CollectorClient.from(options);
			const job = await client.send<VaultJob | null>("DELETE", "/v1/vault/job");
			console.log(job === null ? "No job ran" : `${job.kind}: ${job.state}`);
		});
}

function statsText({ vms, points, diskBytes, chunks, packs, storedBytes, lastGc }: Stats): string[] {
	const lines = [
		`${vms} VMs, ${points} points; disks of ${formatBytes(diskBytes)} at the newest`,
		`${chunks} chunks in ${packs} packs: ${formatBytes(storedBytes)}`,
	];
	const { gc, ended } = lastGc ?? {};
	if (gc === null || gc === undefined || typeof ended !== "string") return lines;
	const { liveBytes, leasedBytes, before, after } = gc;
	const left = `${formatBytes(liveBytes)} needed, ${formatBytes(leasedBytes)} kept for the grace time`;
	return [...lines, `Last gc ${isoTime(ended)}: ${formatBytes(before.bytes - after.bytes)} given back; ${left}`];
}

function gcText(result: GcResult, dryRun: boolean): string[] {
	const { before, after, liveBytes, leasedBytes, deadBytes, removedPacks, rewrittenPacks, damagedPacks } = result;
	const would = dryRun ? "would be " : "";
	const lines = [
		`${formatBytes(liveBytes)} needed, ${formatBytes(leasedBytes)} kept for the grace time, ${formatBytes(deadBytes)} not needed`,
		`${removedPacks} packs ${would}removed, ${rewrittenPacks} ${would}written anew`,
	];
	if (!dryRun) {
		const freed = formatBytes(Math.max(0, before.bytes - after.bytes));
		lines.push(`${formatBytes(before.bytes)} before, ${formatBytes(after.bytes)} now: ${freed} given back`);
	}
	if (damagedPacks.length > 0)
		lines.push(`${damagedPacks.length} packs are damaged and stay as they are: umbra vault check`);
	return lines;
}

function checkText(result: ScrubResult): string[] {
	const { packs, readPacks, readBytes, trees, packDamage, packDamageCount, treeDamage, damagedTrees } = result;
	const lines = [`${packs} packs, ${readPacks} of them read (${formatBytes(readBytes)}); ${trees} disks at points`];
	for (const { pack, structure, offset, message } of packDamage.slice(0, SHOWN)) {
		lines.push(`pack ${pack.toString(16).padStart(8, "0")}, ${structure} at ${offset}: ${message}`);
	}
	for (const { tree, kind, firstBlock, count, message } of treeDamage.slice(0, SHOWN)) {
		const blocks = count === 1 ? `block ${firstBlock}` : `blocks ${firstBlock} to ${firstBlock + count - 1}`;
		lines.push(`${printable(tree)}: ${blocks} (${kind}): ${message}`);
	}
	if (packDamageCount === 0 && damagedTrees === 0) lines.push("No damage");
	else lines.push(`DAMAGED: ${packDamageCount} places in packs, ${damagedTrees} disks at points`);
	return lines;
}

/** "5%" or "0.05" -> 0.05. */
function share(text: string): number {
	const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
	const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === "%" ? 100 : 1);
	if (value > 0 && value <= 1) return value;
	throw new InvalidArgumentError('wanted a share such as "5%" or "0.05"');
}

/** "50MiB" -> bytes. */
function rate(text: string): number {
	try {
		const bytes = parseBytes(text);
		if (bytes >= 2 ** 20) return bytes;
	} catch (error) {
		if (!isUmbraError(error)) throw error;
	}
	throw new InvalidArgumentError('wanted at least "1MiB"');
}
