/** For the tests of this folder: a collector, an agent that feeds it, and questions whose answers have to be as documented. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { silentLogger } from "../../common/log.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { Collector } from "../collector.ts";
import { collectorConfig } from "../config.ts";
import { TestAgent } from "../ingest/test-agent.ts";
import { Conformance, type OpenApi } from "./conformance.ts";
import { openApiDocument } from "./server.ts";

export interface ApiSite extends AsyncDisposable {
	readonly folder: string;
	readonly collector: Collector;
	readonly agent: TestAgent;
	readonly conformance: Conformance;
	/** With the token; every answer is checked against the document. */
	request(path: string, init?: RequestInit): Promise<Response>;
	/** The body of a GET that answers with `status`, by default 200. */
	// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, looked at field by field
	json(path: string, status?: number): Promise<any>;
	/** Resolves when every changeset that was accepted is judged. */
	judged(): Promise<void>;
}

export interface ApiSiteOptions {
	readonly token?: string;
	/** Further settings of the collector. */
	readonly settings?: Readonly<Record<string, unknown>>;
}

export async function openSite({ token, settings = {} }: ApiSiteOptions = {}): Promise<ApiSite> {
	await using opening = new AsyncDisposableStack();
	const folder = opening.use(await tempFolder());
	if (token !== undefined) await writeFile(folder.file("token"), `${token}\n`);
	const config = collectorConfig.parse({
		dataDir: folder.file("data"),
		listen: { agents: "127.0.0.1:0", api: "127.0.0.1:0" },
		...(token === undefined ? {} : { tokenFile: folder.file("token") }),
		...settings,
	});
	const collector = opening.use(await Collector.start(config, silentLogger()));
	const agent = opening.use(new TestAgent(collector.agentAddress, "agent-1", token));
	const conformance = new Conformance(JSON.parse(await openApiDocument()) as OpenApi);
	const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
		const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...init.headers };
		const response = await fetch(`http://${collector.apiAddress}${path}`, { ...init, headers });
		const method = init.method ?? "GET";
		if (path.startsWith("/v1/") && method !== "HEAD") {
			const isJson = response.headers.get("content-type")?.startsWith("application/json");
			conformance.check(method, path, response, isJson ? await response.clone().json() : undefined);
		}
		return response;
	};
	const json: ApiSite["json"] = async (path, status = 200) => {
		const response = await request(path);
		const body = await response.json();
		assert.equal(response.status, status, JSON.stringify(body));
		return body;
	};
	const judged = async () => {
		await until(async () => (await json("/v1/health")).judging.waiting === 0, { what: "verdicts" });
	};
	const resources = opening.move();
	return {
		folder: folder.path,
		collector,
		agent,
		conformance,
		request,
		json,
		judged,
		[Symbol.asyncDispose]: () => resources[Symbol.asyncDispose](),
	};
}
