/** Against a real Alertmanager. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { silentLogger } from "../../common/log.ts";
import { needs } from "../../test/support/requires.ts";
import { freePort } from "../../test/support/site.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import type { AlertRecord } from "../catalog/records.ts";
import { AlertmanagerSender, type AlertmanagerTarget } from "./alertmanager.ts";
import { alertNamed } from "./testing.ts";

const PROGRAM = "prometheus-alertmanager";
/** The time is longer than a machine stands still: an attempt that fails was refused, not late. */
const TIMING = { timeout: 60_000, firstPause: 20, longestPause: 200 };

interface FoundAlert {
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	readonly endsAt: string;
	readonly status: { readonly state: string };
}

/** One of its own, on loopback, without peers. */
class Alertmanager implements AsyncDisposable {
	readonly url: string;
	readonly #process: ChildProcess;

	private constructor(process: ChildProcess, url: string) {
		this.#process = process;
		this.url = url;
	}

	static async start(folder: string, port: number): Promise<Alertmanager> {
		const config = `${folder}/alertmanager.yml`;
		await writeFile(config, "route: { receiver: none }\nreceivers: [{ name: none }]\n");
		const listen = [`--web.listen-address=127.0.0.1:${port}`, "--cluster.listen-address=", "--web.route-prefix=/am"];
		const args = [`--config.file=${config}`, `--storage.path=${folder}/data`, ...listen];
		const child = spawn(PROGRAM, args, { stdio: "ignore" });
		const manager = new Alertmanager(child, `http://127.0.0.1:${port}/am`);
		await until(async () => (await fetch(`${manager.url}/-/ready`).catch(() => undefined))?.ok === true, {
			what: "the Alertmanager answers",
		});
		return manager;
	}

	async active(): Promise<FoundAlert[]> {
		const response = await fetch(`${this.url}/api/v2/alerts`);
		return (await response.json()) as FoundAlert[];
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#process.exitCode !== null) return;
		this.#process.kill("SIGKILL");
		await once(this.#process, "exit");
	}
}

function send(
	url: string,
	firing: readonly AlertRecord[],
	target: Partial<AlertmanagerTarget> = {},
): AlertmanagerSender {
	return AlertmanagerSender.start({
		targets: [{ name: "am", url, resend: 60_000, ...target }],
		firing: async () => firing,
		publicUrl: "https://umbra.example.org/",
		log: silentLogger(),
		timing: TIMING,
	});
}

describe("AlertmanagerSender", needs(PROGRAM), () => {
	it("tells what fires, what got worse and what has ended", async () => {
		await using folder = await tempFolder();
		await using manager = await Alertmanager.start(folder.path, await freePort());
		const firing = [
			alertNamed("a", { severity: "warning", files: ["/srv/a b", '/srv/"c"'], fileCount: 44 }),
			alertNamed("b", { vm: "db \\ ünï", cause: "log-growth" }),
		];
		await using sender = send(manager.url, firing, { labels: { team: "noc" } });
		const found = await until(async () => (await manager.active()).length === 2 && (await manager.active()), {
			what: "both alerts",
		});
		const first = found.find(({ labels }) => labels["alertname"] === "mass-rewrite");
		assert.deepEqual(first?.labels, {
			alertname: "mass-rewrite",
			cause: "mass-rewrite",
			vm: "web-1",
			host: "host-1",
			severity: "warning",
			source: "umbra",
			team: "noc",
		});
		assert.equal(first?.annotations["mitigation"], "m");
		assert.equal(first?.annotations["files"], '/srv/a b\n/srv/"c"\nand 42 more');
		assert.ok(Date.parse(first?.endsAt ?? "") > Date.now() + 60_000);
		assert.ok(found.some(({ labels }) => labels["vm"] === "db \\ ünï"));

		firing[0] = alertNamed("a", { severity: "critical" });
		sender.wake();
		await until(
			async () => {
				const now = (await manager.active()).filter(({ labels }) => labels["cause"] === "mass-rewrite");
				return now.length === 1 && now[0]?.labels["severity"] === "critical";
			},
			{ what: "the alert under its new severity alone" },
		);

		firing.length = 0;
		sender.wake();
		await until(async () => (await manager.active()).length === 0, { what: "no alert" });
		assert.equal(sender.failures, 0);
	});

	it("tells an Alertmanager that was away, or lost what it knew, what fires now", async () => {
		await using folder = await tempFolder();
		const port = await freePort();
		const firing = [alertNamed("a")];
		await using sender = send(`http://127.0.0.1:${port}/am/`, firing, { resend: 50 });
		await until(() => sender.failures > 1, { what: "attempts that fail" });
		{
			await using manager = await Alertmanager.start(`${folder.path}`, port);
			await until(async () => (await manager.active()).length === 1, { what: "the alert" });
		}
		await using other = await tempFolder();
		await using manager = await Alertmanager.start(other.path, port);
		firing.push(alertNamed("b", { vm: "web-2" }));
		await until(async () => (await manager.active()).length === 2, { what: "both alerts" });
	});
});
