/**
 * A small site: one real collector and one real agent as child processes, and the API between them and
 * the test. Either can be killed and started again on the same data.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { stringify } from "yaml";
import { CollectorClient, vmPath } from "../../cli/collector-client.ts";
import { restoreDisk } from "../../cli/restore/disk.ts";
import type { ChangesetRecord, FileChangeRecord, VmRecord } from "../../collector/catalog/records.ts";
import { messageOf } from "../../common/errors.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { type Program, startUmbra } from "./processes.ts";
import { until } from "./wait.ts";

export interface SiteOptions {
	readonly folder: string;
	/** QMP sockets or globs. */
	readonly sockets: readonly string[];
	/** Merged over the defaults of either program. */
	readonly agent?: Readonly<Record<string, unknown>>;
	readonly collector?: Readonly<Record<string, unknown>>;
	/** Where the agent finds the collector, if not where it is. */
	readonly agentTarget?: (port: number) => number;
}

export class Site implements AsyncDisposable {
	readonly folder: string;
	readonly agentPort: number;
	readonly client: CollectorClient;
	readonly apiUrl: string;
	readonly #configs: { readonly agent: string; readonly collector: string };
	agent: Program | undefined;
	collector: Program | undefined;

	private constructor(options: SiteOptions, agentPort: number, apiUrl: string, client: CollectorClient) {
		this.folder = options.folder;
		this.agentPort = agentPort;
		this.apiUrl = apiUrl;
		this.client = client;
		this.#configs = { agent: join(options.folder, "agent.yaml"), collector: join(options.folder, "collector.yaml") };
	}

	/** Both programs up, the agent connected. */
	static async start(options: SiteOptions): Promise<Site> {
		const [agents, api] = [await freePort(), await freePort()];
		const apiUrl = `http://127.0.0.1:${api}`;
		const site = new Site(options, agents, apiUrl, await CollectorClient.from({ collector: apiUrl }));
		await writeFile(
			site.#configs.collector,
			stringify({
				dataDir: join(options.folder, "collector"),
				listen: { agents: `127.0.0.1:${agents}`, api: `127.0.0.1:${api}` },
				...options.collector,
			}),
		);
		await writeFile(
			site.#configs.agent,
			stringify({
				dataDir: join(options.folder, "agent"),
				collector: { address: `127.0.0.1:${options.agentTarget?.(agents) ?? agents}` },
				qemu: { sockets: options.sockets, scanInterval: "200ms" },
				schedule: "every 1d",
				...options.agent,
			}),
		);
		try {
			await site.startCollector();
			await site.startAgent();
			await site.connected();
			return site;
		} catch (error) {
			await site[Symbol.asyncDispose]();
			throw error;
		}
	}

	async startCollector(): Promise<void> {
		const program = await startUmbra(["collector", "--config", this.#configs.collector]);
		this.collector = program;
		let ended = false;
		void program.finished.then(() => {
			ended = true;
		});
		await until(
			async () => {
				if (ended) throw new Error(`the collector ended: ${program.output()}`);
				return await fetch(`${this.apiUrl}/v1/health`).then(
					({ ok }) => ok,
					() => false,
				);
			},
			{ what: "the collector answers", timeoutMs: 60_000 },
		);
	}

	async startAgent(): Promise<void> {
		this.agent = await startUmbra(["agent", "--config", this.#configs.agent]);
	}

	/** Waits until the agent has a session with the collector. */
	async connected(): Promise<void> {
		await until(
			async () => {
				const { items } = await this.client.get<{ items: { connected: boolean; stale: boolean }[] }>("/v1/agents");
				return items.some(({ connected, stale }) => connected && !stale);
			},
			{ what: `the agent connects; it said: ${this.agent?.output()}`, timeoutMs: 60_000 },
		);
	}

	/** Captures until it works, and returns the changeset once it is in the catalog. */
	async capture(vm: string): Promise<ChangesetRecord> {
		const id = await until(
			async () => {
				try {
					return (await this.client.post<{ changesetId: string }>(vmPath(vm, "capture"))).changesetId;
				} catch {
					return undefined;
				}
			},
			{ what: `a capture of ${vm}`, timeoutMs: 120_000, intervalMs: 200 },
		).catch(async (error: unknown) => {
			// The last answer and what the agent said tell why.
			const answer = await this.client.post(vmPath(vm, "capture")).catch((reason: unknown) => reason);
			throw new Error(
				`${messageOf(error)}: ${messageOf(answer)}; the agent said:\n${this.agent?.output().slice(-3000)}`,
			);
		});
		return await until(async () => (await this.changes(vm)).find((change) => change.id === id), {
			what: `changeset ${id} of ${vm} in the catalog`,
			timeoutMs: 120_000,
		});
	}

	/** Every changeset of a VM, oldest first. */
	async changes(vm: string): Promise<ChangesetRecord[]> {
		try {
			return await Array.fromAsync(this.client.list<ChangesetRecord>(vmPath(vm, "changes"), { order: "oldest" }));
		} catch {
			return []; // Not known yet, or the collector is down.
		}
	}

	async judged(vm: string, time: string): Promise<{ changeset: ChangesetRecord; files: FileChangeRecord[] }> {
		return await until(
			async () => {
				const answer = await this.client.get<{ changeset: ChangesetRecord; files: { items: FileChangeRecord[] } }>(
					vmPath(vm, "changes", time),
				);
				return answer.changeset.verdict === null
					? undefined
					: { changeset: answer.changeset, files: answer.files.items };
			},
			{ what: `a verdict on ${vm} at ${time}` },
		);
	}

	async vms(): Promise<VmRecord[]> {
		return await Array.fromAsync(this.client.list<VmRecord>("/v1/vms"));
	}

	/** SHA-256 of a disk at a point, restored through the API and proved by its Merkle root on the way. */
	async restoredSha256(vm: string, time: string, disk: string): Promise<string> {
		const out = join(this.folder, `restored-${vm}-${disk}.raw`);
		await restoreDisk({ client: this.client, vm, time, disk, out, force: true });
		const hash = await sha256Of(out);
		await rm(out);
		return hash;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.agent?.[Symbol.asyncDispose]();
		await this.collector?.[Symbol.asyncDispose]();
	}
}

/** SHA-256 of what an image reads as, by qemu-img, whoever has it open. The writer has to stand still and be flushed. */
export async function imageSha256(path: string, format: "qcow2" | "raw", folder: string): Promise<string> {
	const copy = join(folder, "copy.raw");
	await runProgram("qemu-img", ["convert", "-U", "-f", format, "-O", "raw", path, copy]);
	const hash = await sha256Of(copy);
	await rm(copy);
	return hash;
}

export async function sha256Of(path: string): Promise<string> {
	const hash = createHash("sha256");
	for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
	return hash.digest("hex");
}

/** Below those that kernels give to whoever asks for any: what was free a moment ago is not given away. */
const FIRST_PORT = 10_000;
const PORTS = 20_000;
/** Of one process, which two at a time are unlikely to have in common. */
const OWN_PORTS = 50;
let portsTried = 0;

/** A port of loopback on which nobody listens, another one each time. */
export async function freePort(): Promise<number> {
	for (;;) {
		const port = FIRST_PORT + ((process.pid * OWN_PORTS + portsTried++) % PORTS);
		const server = createServer();
		const isFree = await new Promise<boolean>((resolve) => {
			server.once("error", () => resolve(false));
			server.listen(port, "127.0.0.1", () => resolve(true));
		});
		if (!isFree) continue;
		server.close();
		await once(server, "close");
		return port;
	}
}
