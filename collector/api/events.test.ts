import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { createParser } from "eventsource-parser";
import { testRandom } from "../../test/support/random.ts";
import { until } from "../../test/support/wait.ts";
import { fileChange, TestVm } from "../ingest/test-agent.ts";
import { type ApiSite, openSite } from "./testing.ts";

const TOKEN = "a-token-of-enough-length";

interface Received {
	readonly id: string;
	readonly event: string;
	// biome-ignore lint/suspicious/noExplicitAny: JSON of several shapes, looked at field by field
	readonly data: any;
}

describe("/v1/events", () => {
	let site: ApiSite;
	const vms = ["a", "b"].map((name) => new TestVm(name, { vda: 1 }));

	before(async () => {
		site = await openSite({ token: TOKEN });
	});
	after(() => site[Symbol.asyncDispose]());

	/** Reads until `enough` holds of what came. */
	async function follow(
		query: string,
		enough: (events: readonly Received[]) => boolean,
		options: { readonly lastId?: string; readonly ready?: () => void } = {},
	): Promise<Received[]> {
		const { lastId, ready } = options;
		const abort = new AbortController();
		const headers = lastId === undefined ? {} : { "last-event-id": lastId };
		const response = await site.request(`/v1/events${query}`, { headers, signal: abort.signal });
		assert.equal(response.status, 200);
		const events: Received[] = [];
		const parser = createParser({
			onEvent: ({ id = "", event = "", data }) => events.push({ id, event, data: JSON.parse(data) }),
		});
		const decoder = new TextDecoder();
		let isReady = false;
		for await (const bytes of response.body!) {
			parser.feed(decoder.decode(bytes, { stream: true }));
			if (!isReady && events.length > 0) ready?.();
			isReady ||= events.length > 0;
			if (enough(events)) break;
		}
		abort.abort();
		return events;
	}

	const kinds = (events: readonly Received[]) => events.map(({ event, data }) => `${event} ${data.vm ?? ""}`.trim());

	it("asks for the token", async () => {
		const response = await site.request("/v1/events", { headers: { authorization: "Bearer wrong" } });
		assert.equal(response.status, 401);
		await response.arrayBuffer();
	});

	it("tells of changesets and verdicts as they come, each as the API shows it", async () => {
		const ready = Promise.withResolvers<void>();
		const following = follow("", (events) => events.length === 6, { ready: ready.resolve });
		await ready.promise;
		await vms[0]!.capture(site.agent, [fileChange("/home/letter")]);
		await vms[1]!.capture(site.agent, [fileChange("/etc/passwd")]);
		const [first, ...events] = await following;
		assert.deepEqual([first?.event, first?.data.missed], ["ready", false]);
		const alerts = (await site.json("/v1/alerts")).items;
		assert.deepEqual(
			events.filter(({ event }) => event === "alert").map(({ data }) => data),
			alerts,
		);
		for (const { vm, timeNs } of vms) {
			const told = events.filter(({ event, data }) => event !== "alert" && data.vm === vm);
			assert.deepEqual(kinds(told), [`changeset ${vm}`, `verdict ${vm}`]);
			const { changeset } = await site.json(`/v1/vms/${vm}/changes/${timeNs}`);
			assert.deepEqual(told[1]?.data, changeset);
		}
	});

	it("goes on after any event that was seen, and can be narrowed", async (context) => {
		const random = testRandom(context);
		for (let at = 0; at < 3; at++) await random.pick(vms).capture(site.agent);
		for (const { vm } of vms) {
			const isJudged = ({ severity }: { severity: string | null }) => severity !== null;
			const points = async () => (await site.json(`/v1/vms/${vm}/points`)).items;
			await until(async () => (await points()).every(isJudged), { what: "verdicts" });
		}
		const { collectorId } = await site.json("/v1/health");
		const start = `${collectorId.slice(0, 8)}-0`;
		// Five changesets, five verdicts, an alert, and ready.
		const all = await follow("", ({ length }) => length === 12, { lastId: start });
		for (const [at, { id }] of all.entries()) {
			const rest = all.slice(at + 1);
			const events = await follow("", ({ length }) => length > rest.length, { lastId: id });
			assert.deepEqual(events.slice(1), at === 0 ? all.slice(1) : rest);
		}
		for (const { vm } of vms) {
			const wanted = all.filter(({ event, data }) => event === "verdict" && data.vm === vm);
			const query = `?vm=${vm}&type=verdict&after=${start}`;
			const events = await follow(query, ({ length }) => length > wanted.length);
			assert.deepEqual(events.slice(1), wanted);
		}
	});

	it("says where it cannot go on", async () => {
		const { collectorId } = await site.json("/v1/health");
		for (const lastId of ["00000000-1", `${collectorId.slice(0, 8)}-99999`, "nonsense"]) {
			const [ready] = await follow("", ({ length }) => length > 0, { lastId });
			assert.equal(ready?.data.missed, true, lastId);
		}
	});

	it("refuses what it does not know", async () => {
		const response = await site.request("/v1/events?type=everything");
		assert.equal(response.status, 400);
		await response.arrayBuffer();
	});
});

describe("/v1/events for a browser", () => {
	it("is understood by another's EventSource, which resumes by itself", async () => {
		await using site = await openSite();
		const vm = new TestVm("web", { vda: 1 });
		// It ends when it was told of the second capture, which came while its connection was cut.
		const script = `
			const source = new EventSource("http://${site.collector.apiAddress}/v1/events?type=changeset");
			source.addEventListener("ready", ({ data }) => console.log("ready " + JSON.parse(data).missed));
			source.addEventListener("changeset", ({ data, lastEventId }) => {
				console.log(JSON.parse(data).id + " " + lastEventId);
				if (JSON.parse(data).id === "web-2") process.exit(0);
			});`;
		const child = promisify(execFile)(process.execPath, ["--experimental-eventsource", "-e", script]);
		let printed = "";
		child.child.stdout?.on("data", (text: string) => {
			printed += text;
		});
		await until(() => /ready false/.test(printed), { what: "a connection" });
		await vm.capture(site.agent);
		await until(() => /web-1/.test(printed), { what: "the first event" });
		await vm.capture(site.agent);
		await child;
		assert.match(printed, /^ready false\nweb-1 [0-9a-f]{8}-1\nweb-2 [0-9a-f]{8}-\d\n$/);
	});
});
