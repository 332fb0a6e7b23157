/** Time series databases of a test: Debian's InfluxDB and VictoriaMetrics, on a free port of loopback and a folder of their own. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Program, startProgram } from "./processes.ts";
import { freePort } from "./site.ts";
import { until } from "./wait.ts";

interface Row {
	readonly tags?: Readonly<Record<string, string>>;
	readonly columns: readonly string[];
	readonly values: readonly (readonly (string | number | null)[])[];
}

/** An influxd that can be killed and started again on the same port and data. */
export class Influx implements AsyncDisposable {
	readonly url: string;
	readonly #config: string;
	#program: Program | undefined;

	private constructor(url: string, config: string) {
		this.url = url;
		this.#config = config;
	}

	/** @param folder of it alone; it has to be there. @param auth users have to show passwords, once the first is made */
	static async start(folder: string, { auth = false }: { readonly auth?: boolean } = {}): Promise<Influx> {
		const port = await freePort();
		const config = join(folder, "influxdb.conf");
		await writeFile(
			config,
			[
				"reporting-enabled = false",
				"reporting-disabled = true",
				'bind-address = "127.0.0.1:0"',
				`[meta]\ndir = "${join(folder, "meta")}"`,
				`[data]\ndir = "${join(folder, "data")}"\nwal-dir = "${join(folder, "wal")}"\nquery-log-enabled = false`,
				`[http]\nbind-address = "127.0.0.1:${port}"\nlog-enabled = false\nauth-enabled = ${auth}`,
				"[monitor]\nstore-enabled = false",
				'[logging]\nlevel = "error"',
			].join("\n"),
		);
		const influx = new Influx(`http://127.0.0.1:${port}`, config);
		await influx.restart();
		return influx;
	}

	get pid(): number {
		return this.#program?.pid ?? 0;
	}

	/** Kills it, as a crash would. */
	async kill(): Promise<void> {
		await this.#program?.kill();
	}

	/** Starts it again, and waits until it answers. */
	async restart(): Promise<void> {
		await this.kill();
		const program = await startProgram("influxd", ["-config", this.#config]);
		this.#program = program;
		let ended = false;
		void program.finished.then(() => {
			ended = true;
		});
		await until(
			async () => {
				if (ended) throw new Error(`influxd ended: ${program.output()}`);
				return (await fetch(`${this.url}/ping`).catch(() => undefined))?.status === 204;
			},
			{ what: "influxd answers", timeoutMs: 60_000 },
		);
	}

	/** The series of the only statement's answer. */
	async query(statement: string, database = ""): Promise<readonly Row[]> {
		const form = new URLSearchParams({ q: statement, db: database });
		const response = await fetch(`${this.url}/query`, { method: "POST", body: form });
		const answer = (await response.json()) as {
			error?: string;
			results?: { error?: string; series?: readonly Row[] }[];
		};
		const error = answer.error ?? answer.results?.[0]?.error;
		if (error !== undefined) throw new Error(`${statement}: ${error}`);
		return answer.results?.[0]?.series ?? [];
	}

	/** How many points have the field. */
	async count(database: string, measurement: string, field: string): Promise<number> {
		const [row] = await this.query(`SELECT count("${field}") FROM "${measurement}"`, database);
		return Number(row?.values[0]?.[1] ?? 0);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#program?.[Symbol.asyncDispose]();
	}
}
