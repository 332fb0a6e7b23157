/**
 * The whole story on one machine: a small real guest is shadowed by a real agent and a real collector,
 * lives an ordinary working day in fast motion, three things go wrong, each is named and alerted, and a
 * file that was destroyed comes back as it was, proved by the hash that the guest itself had of it.
 */

import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AlertRecord, ChangesetRecord, FileChangeRecord } from "../../collector/catalog/records.ts";
import { UmbraError } from "../../common/errors.ts";
import { formatBytes, formatDuration } from "../../common/units.ts";
import { makeDisk } from "../../packaging/guest/disk.ts";
import { bootGuest, type Guest } from "../../packaging/guest/guest.ts";
import { CollectorClient, vmPath } from "../collector-client.ts";
import { isoTime } from "../commands/vms.ts";
import { printable } from "../printable.ts";
import { paint, severityText, table } from "../table.ts";
import { INCIDENTS, type Incident, ordinaryWork } from "./scenes.ts";
import { startServices } from "./services.ts";
import { startWebhook } from "./webhook.ts";

const VM = "office";
const SEED = 20_260_105;
/** The judge learns for twenty changesets; a few more show that ordinary work stays quiet. */
const ORDINARY_ROUNDS = 24;
const DISK_BYTES = 1024 ** 3;

export interface DemoOptions {
	/** Leave vault and catalog behind and say where. */
	readonly keep: boolean;
	readonly signal: AbortSignal;
}

interface Judged {
	readonly changeset: ChangesetRecord;
	readonly files: readonly FileChangeRecord[];
	readonly total: number;
}

interface Happened {
	readonly incident: Incident;
	readonly judged: Judged;
	readonly alerts: readonly AlertRecord[];
}

export async function runDemo({ keep, signal }: DemoOptions): Promise<void> {
	const started = performance.now();
	const say = (text: string) =>
		console.log(`${paint("dim", `[${formatDuration(performance.now() - started).padStart(7)}]`)} ${text}`);
	await using stack = new AsyncDisposableStack();
	const folder = await mkdtemp(join(tmpdir(), "umbra-demo-"));
	stack.defer(() => (keep ? undefined : rm(folder, { recursive: true, force: true })));

	say(`Making a ${formatBytes(DISK_BYTES)} disk with a small office on it (ext4 on GPT, qcow2)`);
	const disk = await makeDisk(join(folder, "office.qcow2"), {
		sizeBytes: DISK_BYTES,
		format: "qcow2",
		table: "gpt",
		seed: SEED,
		signal,
	});
	say("Booting the guest: a stock Linux kernel and busybox; nothing of Umbra is in it");
	const guest = stack.use(
		await bootGuest({
			disks: [{ path: disk.path, format: "qcow2", id: "vda" }],
			folder: join(folder, "vm"),
			name: VM,
			signal,
		}),
	);
	say(`It runs (${guest.accelerator === "kvm" ? "KVM" : "software emulation"}, process ${guest.pid})`);

	const webhook = stack.use(await startWebhook());
	const services = stack.use(
		await startServices({ folder, qmpSocket: guest.qmpSocket, webhookUrl: webhook.url, signal }),
	);
	const client = await CollectorClient.from({ collector: services.apiUrl });
	say(`Collector and agent are up; the API is at ${services.apiUrl}`);

	const first = await untilJudged(client, await untilFirstPoint(client, signal), signal);
	say(
		`First capture: the whole disk, ${formatBytes(changedBytes(first))} of it data, in ${formatDuration(first.changeset.captureMs)}`,
	);

	say(`An ordinary working day: ${ORDINARY_ROUNDS} rounds, each captured and judged`);
	let quiet = 0;
	for (let round = 0; round < ORDINARY_ROUNDS; round++) {
		await work(guest, ordinaryWork(round), signal);
		const judged = await capture(client, signal);
		const alarmed =
			(judged.changeset.verdict?.triggers.length ?? 0) > 0 || judged.changeset.verdict?.severity === "critical";
		if (!alarmed) quiet++;
		if (round % 6 === 5) say(`  round ${round + 1}: ${summary(judged)}`);
	}
	say(`${quiet} of ${ORDINARY_ROUNDS} ordinary rounds stayed quiet`);

	const destroyed = await pickDocument(guest);
	const before = await newestPoint(client);
	say(`Remembering ${destroyed.path}: its SHA-256, by the guest itself, is ${destroyed.sha256.slice(0, 16)}…`);

	const happened: Happened[] = [];
	for (const incident of INCIDENTS) {
		say(`${paint("yellow", "Incident")}: ${incident.story}`);
		await work(guest, incident.script, signal);
		const judged = await capture(client, signal);
		const alerts = await alertsOf(client, judged);
		happened.push({ incident, judged, alerts });
		say(`  ${summary(judged)}`);
		for (const alert of alerts) say(`  ${severityText(alert.severity)} ${printable(alert.summary)}`);
	}
	await webhook.received(
		happened.reduce((sum, { alerts }) => sum + alerts.length, 0),
		signal,
	);
	say(`The webhook has been told of ${webhook.count} alerts`);

	const restored = join(folder, "restored");
	const response = await client.fetch(vmPath(VM, "points", before, "content"), { path: destroyed.path }, { signal });
	const bytes = new Uint8Array(await response.arrayBuffer());
	await (await import("node:fs/promises")).writeFile(restored, bytes);
	const sha256 = createHash("sha256")
		.update(await readFile(restored))
		.digest("hex");
	if (sha256 !== destroyed.sha256) {
		throw new UmbraError("corrupt", `${destroyed.path} came back with SHA-256 ${sha256}, wanted ${destroyed.sha256}`);
	}
	say(
		`${paint("green", "Restored")} ${destroyed.path} from ${isoTime(before)}: ${formatBytes(bytes.length)}, SHA-256 ${sha256.slice(0, 16)}… as the guest had it`,
	);

	console.log();
	for (const line of closingTable(happened)) console.log(line);
	console.log();
	const missed = happened.filter(({ incident, alerts }) => !alerts.some(({ cause }) => cause === incident.cause));
	if (missed.length > 0) {
		throw new UmbraError("internal", `no ${missed.map(({ incident }) => incident.cause).join(", ")} alert was raised`);
	}
	say(`Done in ${formatDuration(performance.now() - started)}.`);
	if (keep) say(`Vault, catalog and disk are left in ${folder}`);
}

async function work(guest: Guest, script: string, signal: AbortSignal): Promise<void> {
	signal.throwIfAborted();
	const { code, output } = await guest.run(`${script}\nsync`);
	if (code !== 0) throw new UmbraError("internal", `the guest's script failed (${code}): ${output}`);
}

/** Captures now and waits for the judgement. */
async function capture(client: CollectorClient, signal: AbortSignal): Promise<Judged> {
	const { changesetId } = await client.post<{ changesetId: string }>(vmPath(VM, "capture"), {}, signal);
	for (;;) {
		signal.throwIfAborted();
		const newest: { items: ChangesetRecord[] } = await client.get(
			vmPath(VM, "changes"),
			{ limit: 5, order: "newest" },
			signal,
		);
		const found = newest.items.find(({ id }) => id === changesetId);
		if (found !== undefined) return await untilJudged(client, found.time, signal);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

async function untilJudged(client: CollectorClient, time: string, signal: AbortSignal): Promise<Judged> {
	for (;;) {
		signal.throwIfAborted();
		const { changeset, files } = await client.get<{ changeset: ChangesetRecord; files: { items: FileChangeRecord[] } }>(
			vmPath(VM, "changes", time),
			{},
			signal,
		);
		if (changeset.verdict !== null) return { changeset, files: files.items, total: changeset.fileCount };
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

async function untilFirstPoint(client: CollectorClient, signal: AbortSignal): Promise<string> {
	for (;;) {
		signal.throwIfAborted();
		const { items } = await client.get<{ items: { vm: string; headTime: string }[] }>("/v1/vms", {}, signal);
		const found = items.find(({ vm }) => vm === VM);
		if (found !== undefined) return found.headTime;
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

async function newestPoint(client: CollectorClient): Promise<string> {
	return (await client.get<{ headTime: string }>(vmPath(VM))).headTime;
}

async function alertsOf(client: CollectorClient, { changeset }: Judged): Promise<AlertRecord[]> {
	const alerts = await Array.fromAsync(client.list<AlertRecord>("/v1/alerts", { vm: VM }, 200));
	return alerts.filter((alert) => alert.changesetId === changeset.id);
}

async function pickDocument(guest: Guest): Promise<{ readonly path: string; readonly sha256: string }> {
	const { output } = await guest.run('f=$(ls home/alice/documents/*.docx | head -n 1); sha256sum "$f"');
	const match = /^([0-9a-f]{64}) +(\S+)/.exec(output);
	if (match?.[1] === undefined || match[2] === undefined)
		throw new UmbraError("internal", `no document in the guest: ${output}`);
	return { sha256: match[1], path: `/${match[2]}` };
}

function changedBytes({ changeset }: Judged): number {
	return changeset.disks.reduce((sum, disk) => sum + disk.changedBytes, 0);
}

function summary(judged: Judged): string {
	const { verdict, captureMs, disks } = judged.changeset;
	const total = disks.reduce((sum, { attribution }) => sum + attribution.total, 0);
	const unknown = disks.reduce((sum, { attribution }) => sum + attribution.unknown, 0);
	const score = verdict?.learning ? "learning" : `score ${verdict?.score.toFixed(2)}`;
	const attributed = total === 0 ? 100 : (100 * (total - unknown)) / total;
	return `${formatBytes(changedBytes(judged))} changed, ${judged.total} files named, ${attributed.toFixed(0)} % attributed, ${formatDuration(captureMs)}, ${score}`;
}

function closingTable(happened: readonly Happened[]): string[] {
	return table(happened, [
		{ title: "TIME", value: ({ judged }) => isoTime(judged.changeset.time) },
		{ title: "VM", value: () => VM },
		{ title: "WHAT HAPPENED", value: ({ incident }) => incident.title },
		{ title: "SCORE", value: ({ judged }) => (judged.changeset.verdict?.score ?? 0).toFixed(2), right: true },
		{
			title: "ALERT",
			value: ({ alerts }) =>
				alerts.map(({ cause, severity }) => `${cause} (${severityText(severity)})`).join(", ") || "none",
		},
		{ title: "FILES", value: ({ judged, alerts }) => culprits(judged, alerts) },
	]);
}

function culprits({ files, total }: Judged, alerts: readonly AlertRecord[]): string {
	const named = [...new Set(alerts.flatMap((alert) => alert.files))];
	const shown = (named.length > 0 ? named : files.map(({ path }) => path)).slice(0, 3).map(printable).join(" ");
	const more = Math.max(total, named.length) - 3;
	return more > 0 ? `${shown} +${more}` : shown;
}
