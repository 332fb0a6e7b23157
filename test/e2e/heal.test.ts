/** What rots in the vault is found, told, and brought back by the agent that still has it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import type { AlertRecord, DamageRecord } from "../../collector/catalog/records.ts";
import type { VaultJob } from "../../collector/retention/vault-jobs.ts";
import { PLAIN_FORM } from "../../collector/vault/chunk-form.ts";
import { RECORD_HEADER_SIZE, TRAILER_ENTRY_SIZE } from "../../collector/vault/pack-format.ts";
import { scanPack } from "../../collector/vault/pack-scan.ts";
import { flipBit } from "../../collector/vault/testing.ts";
import { BLOCK_SIZE, blake3Name, NAME_SIZE, nameFromHex } from "../../common/block.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { BareMachine } from "../support/bare-machine.ts";
import { startUmbra } from "../support/processes.ts";
import { needs } from "../support/requires.ts";
import { imageSha256, Site } from "../support/site.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

const MIB = 2 ** 20;
const QEMU = needs("qemu-system-x86_64", "qemu-img");

interface Stage extends AsyncDisposable {
	readonly folder: TempFolder;
	readonly site: Site;
	readonly machine: BareMachine;
	readonly image: string;
	/** What the disk begins with: more than one pack holds. */
	readonly noise: Buffer;
}

async function stage(): Promise<Stage> {
	await using stack = new AsyncDisposableStack();
	const folder = stack.use(await tempFolder());
	const image = folder.file("a.raw");
	await runProgram("qemu-img", ["create", "-f", "raw", image, String(64 * MIB)]);
	const disks = [{ id: "vda", path: image, format: "raw" }] as const;
	const machine = stack.use(await BareMachine.start({ name: "web", folder: folder.path, disks }));
	const noise = randomBytes(20 * MIB);
	await write(machine, folder, 0, noise);
	const site = stack.use(await Site.start({ folder: folder.path, sockets: [machine.qmpSocket] }));
	const owned = stack.move();
	return { folder, site, machine, image, noise, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function write(machine: BareMachine, folder: TempFolder, offset: number, bytes: Uint8Array): Promise<void> {
	await writeFile(folder.file("written"), bytes);
	await machine.io("vda", `write -s ${folder.file("written")} ${offset} ${bytes.length}`);
	await machine.io("vda", "flush");
}

const packsOf = (folder: TempFolder) => folder.file("collector/vault/packs");

/** Spoils every stored copy of a chunk. */
async function rot(folder: TempFolder, name: Uint8Array): Promise<void> {
	let found = 0;
	for (const file of await readdir(packsOf(folder))) {
		if (!file.endsWith(".pack")) continue;
		const path = join(packsOf(folder), file);
		const pack = await readFile(path);
		const { entries } = scanPack(pack, PLAIN_FORM);
		for (let at = 0; at < entries.length; at += TRAILER_ENTRY_SIZE) {
			if (Buffer.compare(entries.subarray(at, at + NAME_SIZE), name) !== 0) continue;
			const start = entries.readUInt32LE(at + NAME_SIZE) + RECORD_HEADER_SIZE;
			// In place, as a disk does it: who has the file open reads it too.
			await flipBit(path, start + 100);
			found++;
		}
	}
	assert.ok(found > 0, "the vault does not hold that chunk");
}

async function check(site: Site, readShare: number): Promise<VaultJob> {
	const started = await until(
		// The healer may be at work.
		async () => await site.client.post<VaultJob>("/v1/vault/check", { readShare }).catch(() => undefined),
		{ what: "a check begins" },
	);
	return await until(
		async () => {
			const job = await site.client.get<VaultJob>("/v1/vault/job", { id: started.id });
			return job.state === "running" ? undefined : job;
		},
		{ what: "the check ends" },
	);
}

async function damages(site: Site): Promise<DamageRecord[]> {
	return await Array.fromAsync(site.client.list<DamageRecord>("/v1/vault/damage"));
}

async function alerts(site: Site): Promise<AlertRecord[]> {
	const all = await Array.fromAsync(site.client.list<AlertRecord>("/v1/alerts"));
	return all.filter(({ cause }) => cause === "vault-damage");
}

/** Waits until nothing is damaged that is known to be, and looks again at everything. */
async function healed(site: Site): Promise<void> {
	await until(
		async () => (await damages(site)).length === 0 && (await alerts(site)).every((a) => a.state === "resolved"),
		{
			what: `the vault is healed; the collector said ${site.collector?.output().slice(-4000)}`,
			timeoutMs: 90_000,
		},
	);
	const { check: found } = await check(site, 1);
	assert.deepEqual([found?.packDamage, found?.treeDamage], [[], []]);
}

it("brings back what rotted from the agent that still has it, and tells of what nobody has", QEMU, async () => {
	await using all = await stage();
	const { folder, site, machine, noise, image } = all;
	const point = await site.capture("web");
	const wanted = await imageSha256(image, "raw", folder.path);
	const block = (at: number) => noise.subarray(at * BLOCK_SIZE, (at + 1) * BLOCK_SIZE);
	const restored = () => site.restoredSha256("web", point.time, "vda");

	// Nobody but a reader finds this one. Nothing on the VM's disk changes here, for the agent neither.
	await rot(folder, blake3Name(block(40)));
	await assert.rejects(restored());
	await until(async () => (await restored().catch(() => undefined)) === wanted, {
		what: "the point can be read again",
		timeoutMs: 90_000,
		intervalMs: 300,
	});
	await healed(site);

	// A block in a pack that is sealed, and what was written last, to the pack that is open.
	await rot(folder, blake3Name(block(3)));
	await rot(folder, blake3Name(block(40)));
	const { check: found } = await check(site, 1);
	assert.ok((found?.packDamageCount ?? 0) >= 1, JSON.stringify(found));
	await healed(site);
	const [alert] = await alerts(site);
	assert.deepEqual([alert?.vm, alert?.severity, alert?.state], ["web", "critical", "resolved"]);

	// 64 MiB are one page, the root: only who captures from nothing names all that it holds.
	await rot(folder, nameFromHex(point.disks[0]?.root ?? ""));
	await check(site, 1);
	await healed(site);
	await until(async () => (await site.changes("web")).at(-1)?.disks[0]?.mode === "first", { what: "that capture" });

	const packs = (await readdir(packsOf(folder))).filter((file) => file.endsWith(".pack")).sort();
	const gone = join(packsOf(folder), packs[0] ?? "");
	// The collector has it open.
	await truncate(gone, 1000);
	await rm(gone);
	await check(site, 0);
	await healed(site);
	assert.equal(await restored(), wanted);

	// Behind all that healing captured.
	await site.capture("web");
	await write(machine, folder, 0, randomBytes(BLOCK_SIZE));
	const olds = await site.changes("web");
	const now = await site.capture("web");
	await rot(folder, blake3Name(block(0)));
	await check(site, 1);
	const record = await until(async () => (await damages(site))[0], { what: "the damage is recorded" });
	assert.deepEqual(
		[record.name, record.kind, record.vms, record.placeCount],
		[Buffer.from(blake3Name(block(0))).toString("hex"), "block", ["web"], olds.length],
	);
	assert.deepEqual(record.places[0], { vm: "web", time: olds.at(-1)?.time, disk: "vda", firstBlock: 0, count: 1 });
	await until(async () => (await alerts(site)).some((a) => a.state === "firing" && a.severity === "warning"), {
		what: "an alert",
	});
	await assert.doesNotReject(site.restoredSha256("web", now.time, "vda"));
	for (const { time } of olds) {
		await site.judged("web", time);
		await site.client.send("DELETE", `/v1/vms/web/points/${time}`);
	}
	await until(
		async () =>
			await site.client.post("/v1/vault/heal").then(
				() => true,
				() => undefined,
			),
		{
			what: "the vault has time to heal",
		},
	);
	await healed(site);
	const { chains } = await check(site, 1);
	assert.deepEqual([chains?.brokenCount, chains?.links], [0, olds.length + 1]);

	const address = ["--collector", site.apiUrl];
	const head = (await umbra(0, "vault", "chain", "web", ...address)).split("\n")[0] ?? "";
	assert.match(head, new RegExp(`^${olds.length + 1}:[0-9a-f]{64}$`));
	assert.match(await umbra(0, "vault", "chain", "web", "--verify", head, ...address), /is part of the chain/);
	const forged = `${olds.length}:${"ab".repeat(32)}`;
	assert.match(await umbra(1, "vault", "chain", "web", "--verify", forged, ...address), /NOT PART OF THE CHAIN/);
	assert.match(await umbra(0, "vault", "damage", ...address), /No damage is known/);
	assert.match(await umbra(0, "vault", "rebuild-index", ...address), /0 lost/);
	await site.collector?.kill();
	const config = ["--config", folder.file("collector.yaml")];
	assert.match(await umbra(0, "vault", "rebuild-index", ...config), /0 found that it did not have, .* 0 lost/);
});

/** What the command prints; it exits with `status`. */
async function umbra(status: number, ...args: string[]): Promise<string> {
	await using program = await startUmbra(args);
	const code = await program.finished;
	assert.equal(code, status, program.output());
	return program.output();
}
