/** The demo's collector and agent: the real programs, as child processes with settings of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { stringify } from "yaml";
import { UmbraError } from "../../common/errors.ts";

export interface ServicesOptions {
	readonly folder: string;
	readonly qmpSocket: string;
	readonly webhookUrl: string;
	readonly signal: AbortSignal;
}

export interface Services extends AsyncDisposable {
	readonly apiUrl: string;
}

const MAIN = join(import.meta.dirname, "..", "main.ts");
const STOP_MS = 10_000;

/** @throws UmbraError `unavailable` with the end of the program's log where one does not come up. */
export async function startServices(options: ServicesOptions): Promise<Services> {
	const { folder, qmpSocket, webhookUrl, signal } = options;
	const [agents, api] = [await freePort(), await freePort()];
	const collectorConfig = {
		dataDir: join(folder, "collector"),
		listen: { agents: `127.0.0.1:${agents}`, api: `127.0.0.1:${api}` },
		webhooks: [{ name: "demo", url: webhookUrl }],
		log: "warn",
	};
	const agentConfig = {
		dataDir: join(folder, "agent"),
		collector: { address: `127.0.0.1:${agents}` },
		qemu: { sockets: [qmpSocket], scanInterval: "500ms" },
		// The story captures when it wants to; the schedule only takes the first one.
		schedule: "every 1h",
		log: "warn",
	};
	await using stack = new AsyncDisposableStack();
	const apiUrl = `http://127.0.0.1:${api}`;
	const collector = stack.use(await Service.start("collector", collectorConfig, folder));
	await collector.until(async () => (await fetch(`${apiUrl}/v1/health`)).ok, signal);
	stack.use(await Service.start("agent", agentConfig, folder));
	const owned = stack.move();
	return { apiUrl, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

class Service implements AsyncDisposable {
	readonly #name: string;
	readonly #child: ChildProcess;
	readonly #log: string;

	private constructor(name: string, child: ChildProcess, log: string) {
		this.#name = name;
		this.#child = child;
		this.#log = log;
	}

	static async start(name: string, config: object, folder: string): Promise<Service> {
		const configPath = join(folder, `${name}.yaml`);
		const log = join(folder, `${name}.log`);
		await writeFile(configPath, stringify(config));
		await using output = await open(log, "w");
		const child = spawn(process.execPath, [MAIN, name, "--config", configPath], {
			stdio: ["ignore", output.fd, output.fd],
		});
		await once(child, "spawn");
		return new Service(name, child, log);
	}

	/** Waits for `ready`, which may throw as long as it is not. */
	async until(ready: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
		for (;;) {
			signal.throwIfAborted();
			if (this.#child.exitCode !== null) {
				const said = (await readFile(this.#log, "utf8")).slice(-2000);
				throw new UmbraError("unavailable", `the ${this.#name} ended with exit code ${this.#child.exitCode}: ${said}`);
			}
			if (await ready().catch(() => false)) return;
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
		const exited = once(this.#child, "exit");
		this.#child.kill("SIGTERM");
		const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
		await exited;
		clearTimeout(timer);
	}
}

async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	server.close();
	await once(server, "close");
	if (address === null || typeof address === "string") throw new UmbraError("internal", "no port");
	return address.port;
}
