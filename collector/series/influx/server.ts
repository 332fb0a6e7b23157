/**
 * What differs between InfluxDB 1.x, 2.x, 3 and VictoriaMetrics: where lines and queries go, and how a database is made. It is
 * found out and made before the first line is sent, and again after the database turned out to be missing.
 */

import { orAborted } from "../../../common/abort.ts";
import { isUmbraError, UmbraError } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { Connection } from "./connection.ts";
import { quoteName } from "./influxql.ts";
import type { InfluxSettings } from "./settings.ts";

type Version = 1 | 2 | 3 | "victoriametrics";

export interface Endpoints {
	/** Path and query of a write. */
	readonly write: string;
	/** Path and query of InfluxQL; undefined where it is not spoken. */
	readonly query: string | undefined;
}

export class Server {
	readonly #settings: InfluxSettings;
	readonly #connection: Connection;
	readonly #log: Logger;
	readonly #stop: AbortSignal;
	/** Shared by all who wait for it. */
	#endpoints: Promise<Endpoints> | undefined;

	/** @param stop ends what is under way */
	constructor(settings: InfluxSettings, connection: Connection, log: Logger, stop: AbortSignal) {
		this.#settings = settings;
		this.#connection = connection;
		this.#log = log;
		this.#stop = stop;
	}

	/**
	 * @throws UmbraError as `Connection.request`; `bad-config` where settings do not fit the server, `unsupported` where it does
	 * not say what it is; the signal's reason.
	 */
	async endpoints(signal: AbortSignal): Promise<Endpoints> {
		this.#endpoints ??= this.#prepare(this.#stop).catch((error: unknown) => {
			this.forget();
			throw error;
		});
		return await orAborted(this.#endpoints, signal);
	}

	/** The database is not as it was found: look again. */
	forget(): void {
		this.#endpoints = undefined;
	}

	async #prepare(signal: AbortSignal): Promise<Endpoints> {
		const version = await this.#version(signal);
		const { database, retentionPolicy } = this.#settings;
		const query = (rp: string | undefined) => `/query?${form({ db: database, rp })}`;
		switch (version) {
			case 1:
				await this.#allowed("make the database", () => this.#makeDatabase(signal));
				return {
					write: `/write?${form({ db: database, rp: retentionPolicy, precision: "ns" })}`,
					query: query(retentionPolicy),
				};
			case 2: {
				const { org, bucket } = this.#settings;
				if (org === undefined) {
					throw new UmbraError("bad-config", "series.org: InfluxDB 2.x wants an organization", {
						context: { field: "series.org" },
					});
				}
				const mapping = await this.#allowed("look for the bucket and its InfluxQL name", () =>
					this.#makeBucket(org, bucket, signal),
				);
				return {
					write: `/api/v2/write?${form({ org, bucket, precision: "ns" })}`,
					query: `/query?${form(mapping ?? { db: database, rp: retentionPolicy })}`,
				};
			}
			case 3:
				await this.#allowed("make the database", () => this.#makeDatabase3(signal));
				return { write: `/api/v2/write?${form({ bucket: database, precision: "ns" })}`, query: query(undefined) };
			case "victoriametrics":
				return { write: `/write?${form({ db: database, precision: "ns" })}`, query: undefined };
		}
	}

	async #version(signal: AbortSignal): Promise<Version> {
		const { version, url } = this.#settings;
		if (version !== "auto") return version;
		const { headers, body } = await this.#connection.request("/ping", signal);
		const told = headers["x-influxdb-version"] ?? (body as { version?: unknown } | undefined)?.version;
		const major = Number(/^v?(\d+)\./.exec(String(told))?.[1]);
		if (major === 1 || major === 2 || major === 3) {
			this.#log.info({ url, version: told }, "InfluxDB found");
			return major;
		}
		throw new UmbraError("unsupported", `${url} does not say which InfluxDB it is`, {
			context: { found: told, wanted: "1.x, 2.x or 3" },
			hint: "set series.version to 1, 2, 3 or victoriametrics",
		});
	}

	/** What only some tokens and users may is tried, and left to the operator where it is refused. */
	async #allowed<T>(what: string, run: () => Promise<T>): Promise<T | undefined> {
		try {
			return await run();
		} catch (error) {
			if (!isUmbraError(error, "denied", "not-found")) throw error;
			this.#log.warn({ error: error.message }, `not allowed to ${what}; taken to be there`);
			return undefined;
		}
	}

	async #makeDatabase(signal: AbortSignal): Promise<void> {
		const { database, retention, retentionPolicy: policy, createDatabase } = this.#settings;
		if (!createDatabase) return;
		const name = quoteName(database);
		const found = await this.#statement(`SHOW RETENTION POLICIES ON ${name}`, signal);
		const rows = found.series?.[0]?.values ?? [];
		const duration = `DURATION ${retention === undefined ? "INF" : `${retention * 1e6}ns`} REPLICATION 1`;
		if (found.error !== undefined) {
			const named = policy === undefined ? "" : ` NAME ${quoteName(policy)}`;
			await this.#made(`CREATE DATABASE ${name} WITH ${duration}${named}`, signal);
		} else if (policy !== undefined && !rows.some(([each]) => each === policy)) {
			await this.#made(`CREATE RETENTION POLICY ${quoteName(policy)} ON ${name} ${duration}`, signal);
		}
	}

	async #made(statement: string, signal: AbortSignal): Promise<void> {
		const { error } = await this.#statement(statement, signal);
		if (error !== undefined) {
			throw new UmbraError("unavailable", `the database refuses ${statement}: ${error}`, {
				hint: "make it by hand and set series.createDatabase: false",
			});
		}
		this.#log.info({ statement }, "made in InfluxDB");
	}

	async #statement(q: string, signal: AbortSignal): Promise<StatementResult> {
		const { body } = await this.#connection.request("/query", signal, new URLSearchParams({ q }));
		return (body as { results?: StatementResult[] } | undefined)?.results?.[0] ?? {};
	}

	/** The name that InfluxQL has for the bucket, made where there is none. */
	async #makeBucket(org: string, name: string, signal: AbortSignal): Promise<{ db: string; rp: string }> {
		const { database, retention, retentionPolicy, createDatabase } = this.#settings;
		const get = async (path: string) => (await this.#connection.request(path, signal)).body as Listing;
		const orgID = (await get(`/api/v2/orgs?${form({ org })}`)).orgs?.[0]?.id;
		if (orgID === undefined) throw missing("organization", org);
		let bucketID = (await get(`/api/v2/buckets?${form({ orgID, name })}`)).buckets?.[0]?.id;
		if (bucketID === undefined) {
			if (!createDatabase) throw missing("bucket", name);
			const retentionRules = retention === undefined ? [] : [{ type: "expire", everySeconds: retention / 1000 }];
			const made = await this.#connection.request("/api/v2/buckets", signal, { orgID, name, retentionRules });
			bucketID = (made.body as { id: string }).id;
			this.#log.info({ bucket: name }, "made in InfluxDB");
		}
		const mappings = (await get(`/api/v2/dbrps?${form({ orgID, bucketID })}`)).content ?? [];
		const mapping = mappings.find((each) => each.database === database) ?? mappings[0];
		if (mapping !== undefined) return { db: mapping.database, rp: mapping.retention_policy };
		const rp = retentionPolicy ?? "autogen";
		await this.#connection.request("/api/v2/dbrps", signal, {
			...{ orgID, bucketID, database, retention_policy: rp, default: true },
		});
		this.#log.info({ bucket: name, database, retentionPolicy: rp }, "mapped to an InfluxQL database in InfluxDB");
		return { db: database, rp };
	}

	/** InfluxDB 3 makes databases by itself; only one that forgets has to be made beforehand. */
	async #makeDatabase3(signal: AbortSignal): Promise<void> {
		const { database, retention, createDatabase } = this.#settings;
		if (!createDatabase || retention === undefined) return;
		try {
			const body = { db: database, retention_period: `${retention / 1000}s` };
			await this.#connection.request("/api/v3/configure/database", signal, body);
			this.#log.info({ database }, "made in InfluxDB");
		} catch (error) {
			// It is there.
			if (!isUmbraError(error) || error.context["status"] !== 409) throw error;
		}
	}
}

interface StatementResult {
	readonly error?: string;
	readonly series?: readonly { readonly values?: readonly (readonly unknown[])[] }[];
}

/** What the lists of InfluxDB 2.x hold, as far as it is looked at. */
interface Listing {
	readonly orgs?: readonly { readonly id: string }[];
	readonly buckets?: readonly { readonly id: string }[];
	readonly content?: readonly { readonly database: string; readonly retention_policy: string }[];
}

function missing(what: string, name: string): UmbraError {
	return new UmbraError("not-found", `there is no ${what} ${name}`, {
		context: { wanted: name },
		hint: `make it, or correct series.${what === "bucket" ? "bucket" : "org"}`,
	});
}

function form(fields: Readonly<Record<string, string | undefined>>): string {
	const set = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
	return String(new URLSearchParams(set));
}
