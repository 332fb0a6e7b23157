/** What an operator can set of the InfluxDB store: `series:` of collector.yaml. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { bytesField, durationField } from "../../../common/config.ts";
import { messageOf, UmbraError } from "../../../common/errors.ts";
import { readSecretFile, readSecretVariable } from "../../secret.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 36e5;
const SECRETS = ["passwordFile", "passwordEnv", "tokenFile", "tokenEnv"] as const;
const name = z.string().min(1).max(255);

/** An address alone. What is complained of is told without what may be a secret. */
function addressOf(text: string, context: z.RefinementCtx): string {
	const parsed = URL.parse(text);
	const fits =
		parsed !== null &&
		/^https?:$/.test(parsed.protocol) &&
		[parsed.username, parsed.password, parsed.search, parsed.hash].every((part) => part === "");
	if (fits) return text.replace(/\/+$/, "");
	const input = parsed === null ? "something else" : `${parsed.protocol}//${parsed.host}`;
	const message = "wanted http:// or https:// with a host alone: user, password and token have settings of their own";
	context.addIssue({ code: "custom", message, input });
	return z.NEVER;
}

export const influxSettings = z
	.strictObject({
		store: z.literal("influxdb"),
		/** Where its HTTP interface begins: what comes before `/write` and `/query`. */
		url: z.string().transform(addressOf),
		/** Which InfluxDB it is; `auto` asks it. */
		version: z.union([z.literal([1, 2, 3]), z.literal(["auto", "victoriametrics"])]).default("auto"),
		/** Of 1.x and 3: the database. Of 2.x: its name in InfluxQL, that of the bucket where it is left out. */
		database: name.optional(),
		/** Of 1.x; the database's default one where it is left out. */
		retentionPolicy: name.optional(),
		/** Of 2.x. */
		org: name.optional(),
		bucket: name.optional(),
		username: name.optional(),
		/** One line, not readable for everybody. */
		passwordFile: z.string().min(1).optional(),
		/** Name of an environment variable. */
		passwordEnv: z.string().min(1).optional(),
		tokenFile: z.string().min(1).optional(),
		tokenEnv: z.string().min(1).optional(),
		/** Database or bucket are made where they are missing. */
		createDatabase: z.boolean().default(true),
		/** How long points stay in a database or bucket that is made; for ever where it is left out. */
		retention: durationField()
			.refine((ms) => ms >= HOUR_MS, "wanted 1h or more: InfluxDB keeps nothing for less")
			.optional(),
		tls: z
			.strictObject({
				/** PEM file with who signs the database's certificate. */
				ca: z.string().min(1).optional(),
			})
			.prefault({}),
		/** How long a request may take. */
		timeout: durationField()
			.refine((ms) => ms >= 1000 && ms <= 10 * MINUTE_MS, "wanted 1s to 10m")
			.default(30_000),
		/** What may wait on the collector's disk while the database is away. */
		backlogLimit: bytesField()
			.refine((bytes) => bytes >= 2 ** 20, "wanted 1MiB or more")
			.default(2 ** 30),
	})
	.superRefine((settings, context) => {
		const { username, passwordFile, passwordEnv, version, org, url, tls } = settings;
		const refuse = (path: keyof typeof settings, message: string) =>
			context.addIssue({ code: "custom", path: [path], message, input: settings[path] });
		const [one, other] = SECRETS.filter((secret) => settings[secret] !== undefined);
		if (other !== undefined) refuse(other, `wanted one secret, there is ${one} already`);
		const hasPassword = passwordFile !== undefined || passwordEnv !== undefined;
		if (username !== undefined && !hasPassword) refuse("username", "wanted passwordFile or passwordEnv with it");
		if (username === undefined && hasPassword) refuse("username", "wanted with the password");
		if (version === 2 && org === undefined) refuse("org", "InfluxDB 2.x wants an organization");
		if (tls.ca !== undefined && !url.startsWith("https:")) refuse("url", "tls.ca is for https://");
	})
	.transform(({ database, bucket, ...rest }) => {
		const either = database ?? bucket ?? "umbra";
		return { ...rest, database: either, bucket: bucket ?? either };
	});

export type InfluxSettings = z.output<typeof influxSettings>;

/** What opens the database, read anew at each start; never logged. */
export interface InfluxAccess {
	readonly url: string;
	readonly timeoutMs: number;
	/** The whole of an `authorization` header. */
	readonly authorization: string | undefined;
	/** PEM. */
	readonly ca: string | undefined;
}

/** @throws UmbraError `bad-config` where a file or variable is missing, or others may read a secret. */
export async function loadAccess(settings: InfluxSettings): Promise<InfluxAccess> {
	const { url, timeout, tls } = settings;
	return {
		url,
		timeoutMs: timeout,
		authorization: await authorizationOf(settings),
		ca: tls.ca === undefined ? undefined : await readCa(tls.ca),
	};
}

async function authorizationOf(settings: InfluxSettings): Promise<string | undefined> {
	const { username, passwordFile, passwordEnv, tokenFile, tokenEnv, version } = settings;
	if (username !== undefined) {
		const password = await readSecret("password", passwordFile, passwordEnv);
		return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
	}
	if (tokenFile === undefined && tokenEnv === undefined) return undefined;
	// InfluxDB 1.x and 2.x know no other scheme; what stands before a VictoriaMetrics knows this one only.
	const scheme = version === "victoriametrics" ? "Bearer" : "Token";
	return `${scheme} ${await readSecret("token", tokenFile, tokenEnv)}`;
}

async function readSecret(kind: string, file: string | undefined, variable: string | undefined): Promise<string> {
	const field = `series.${kind}${file === undefined ? "Env" : "File"}`;
	const text = file === undefined ? readSecretVariable(field, variable ?? "") : await readSecretFile(field, file);
	const secret = text.trim();
	if (/^[\x21-\x7e]+$/.test(secret) || (kind === "password" && secret !== "" && !/[\r\n]/.test(secret))) return secret;
	throw new UmbraError("bad-config", `${field}: ${file ?? variable} holds no ${kind}: wanted one line`, {
		context: { field },
	});
}

async function readCa(path: string): Promise<string> {
	try {
		return await readFile(path, "utf8");
	} catch (error) {
		throw new UmbraError("bad-config", `series.tls.ca: cannot read ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path, field: "series.tls.ca" },
		});
	}
}
