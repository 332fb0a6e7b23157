import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { silentLogger } from "../../common/log.ts";
import { freePort } from "../../test/support/site.ts";
import type { AlertRecord } from "../catalog/records.ts";
import { type groupPayloadOf, idempotencyKey, payloadOf } from "./payload.ts";
import { alertNamed } from "./testing.ts";
import { type DeliveryStore, WebhookSender, type WebhookTarget, withoutTarget } from "./webhook.ts";

/** Longer than a machine stands still: what is posted twice was refused, not late. */
const TIMING = { timeout: 60_000, firstPause: 5, longestPause: 40, refusedPause: 60 };

/** The catalog's part, in memory, in order of insertion. */
class Outbox implements DeliveryStore {
	readonly alerts = new Map<string, AlertRecord>();
	failures = 0;
	#changed = Promise.withResolvers<void>();

	add(...alerts: AlertRecord[]): this {
		for (const alert of alerts) this.alerts.set(alert.id, alert);
		return this;
	}

	async *pending(): AsyncGenerator<AlertRecord> {
		if (this.failures-- > 0) throw new UmbraError("unavailable", "disk is away");
		for (const alert of this.alerts.values()) if (alert.undelivered.length > 0) yield alert;
	}

	async firing(): Promise<AlertRecord[]> {
		return [...this.alerts.values()].filter(({ state }) => state === "firing");
	}

	async delivered(posted: AlertRecord, target: string): Promise<void> {
		const stored = this.alerts.get(posted.id);
		if (stored !== undefined) this.alerts.set(posted.id, withoutTarget(stored, posted, target));
		this.#changed.resolve();
		this.#changed = Promise.withResolvers();
	}

	async until(condition: () => boolean): Promise<void> {
		while (!condition()) await this.#changed.promise;
	}

	async empty(): Promise<void> {
		await this.until(() => [...this.alerts.values()].every((alert) => alert.undelivered.length === 0));
	}
}

interface Post {
	readonly id: string;
	readonly headers: IncomingHttpHeaders;
	readonly body: unknown;
}

class Receiver implements AsyncDisposable {
	readonly posts: Post[] = [];
	readonly server: Server;
	#arrived = Promise.withResolvers<void>();

	private constructor(answer: (post: Post, response: ServerResponse, count: number) => void) {
		this.server = createServer(async (request, response) => {
			let text = "";
			for await (const part of request) text += part;
			const body = JSON.parse(text) as { id: string };
			const post = { id: body.id, headers: request.headers, body };
			this.posts.push(post);
			this.#arrived.resolve();
			this.#arrived = Promise.withResolvers();
			answer(post, response, this.posts.length);
		});
	}

	static async start(
		answer: (post: Post, response: ServerResponse, count: number) => void,
		port = 0,
	): Promise<Receiver> {
		const receiver = new Receiver(answer);
		await new Promise<void>((resolve) => receiver.server.listen(port, "127.0.0.1", resolve));
		return receiver;
	}

	get port(): number {
		return (this.server.address() as AddressInfo).port;
	}

	target(name = "noc"): WebhookTarget {
		return { name, url: `http://127.0.0.1:${this.port}/hook?key=secret`, headers: { authorization: "Bearer t" } };
	}

	async arrived(count: number): Promise<void> {
		while (this.posts.length < count) await this.#arrived.promise;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.server.closeAllConnections();
		await new Promise((resolve) => this.server.close(resolve));
	}
}

const ok = (_: Post, response: ServerResponse) => void response.writeHead(204).end();
const status = (response: ServerResponse, code: number, headers = {}) =>
	void response.writeHead(code, headers).end("no");

function send(targets: readonly WebhookTarget[], store: DeliveryStore, timing = TIMING): WebhookSender {
	return WebhookSender.start({ targets, store, log: silentLogger(), timing });
}

describe("WebhookSender", { timeout: 120_000 }, () => {
	it("posts each alert once as documented, oldest first, and goes on when woken", async () => {
		await using receiver = await Receiver.start(ok);
		const store = new Outbox().add(alertNamed("a"), alertNamed("b"));
		await using sender = send([receiver.target()], store);
		await store.empty();
		store.add(alertNamed("c", { state: "resolved", count: 7, resolvedTime: "1795000060000000000" }));
		sender.wake();
		await store.empty();
		assert.deepEqual(
			receiver.posts.map((post) => post.id),
			["a", "b", "c"],
		);
		const last = receiver.posts[2];
		assert.equal(last?.headers["idempotency-key"], "c-resolved-7");
		assert.equal(last?.headers["content-type"], "application/json");
		assert.equal(last?.headers.authorization, "Bearer t");
		assert.deepEqual(last?.body, JSON.parse(JSON.stringify(payloadOf(store.alerts.get("c")!))));
	});

	for (const code of [500, 503, 408, 425, 429]) {
		it(`tries again after ${code}, in order`, async () => {
			await using receiver = await Receiver.start((_, response, count) =>
				count <= 3 ? status(response, code) : ok(_, response),
			);
			const store = new Outbox().add(alertNamed("a"), alertNamed("b"));
			await using _sender = send([receiver.target()], store);
			await store.empty();
			assert.deepEqual(
				receiver.posts.map((post) => post.id),
				["a", "a", "a", "a", "b"],
			);
			assert.equal(new Set(receiver.posts.slice(0, 4).map((post) => post.headers["idempotency-key"])).size, 1);
		});
	}

	for (const code of [400, 401, 404, 302]) {
		it(`sets aside what is refused with ${code}, lets others pass, and tries it again`, async () => {
			let refused = 0;
			await using receiver = await Receiver.start((post, response) => {
				if (post.id === "a" && refused++ < 2) status(response, code, code === 302 ? { location: "/login" } : {});
				else ok(post, response);
			});
			const store = new Outbox().add(alertNamed("a"), alertNamed("b"));
			await using _sender = send([receiver.target()], store);
			await store.empty();
			assert.deepEqual(
				receiver.posts.map((post) => post.id),
				["a", "b", "a", "a"],
			);
		});
	}

	it("gives up on an answer that never comes, and does not let it delay another target", async () => {
		await using hanging = await Receiver.start((post, response, count) => void (count > 2 && ok(post, response)));
		await using healthy = await Receiver.start(ok);
		const store = new Outbox().add(alertNamed("a", { undelivered: ["slow", "noc"] }));
		await using _sender = send([hanging.target("slow"), healthy.target("noc")], store, { ...TIMING, timeout: 150 });
		await store.until(() => !store.alerts.get("a")!.undelivered.includes("noc"));
		assert.deepEqual(store.alerts.get("a")?.undelivered, ["slow"]);
		await store.empty();
		// The third may have been late as well.
		assert.match(hanging.posts.map((post) => post.id).join(""), /^aaa+$/);
	});

	it("delivers when a receiver that was down comes back", async () => {
		const port = await freePort();
		let tries = 0;
		const store = new Outbox().add(alertNamed("a"), alertNamed("b"));
		await using _sender = WebhookSender.start({
			targets: [{ name: "noc", url: `http://127.0.0.1:${port}/` }],
			store,
			log: silentLogger(),
			timing: TIMING,
			fetch: (...args) => {
				tries++;
				return fetch(...args);
			},
		});
		while (tries < 3) await new Promise((resolve) => setImmediate(resolve));
		await using receiver = await Receiver.start(ok, port);
		await store.empty();
		assert.deepEqual(
			receiver.posts.map((post) => post.id),
			["a", "b"],
		);
	});

	it("takes up after a restart what was in flight when it stopped", async () => {
		await using receiver = await Receiver.start((post, response, count) => void (count > 1 && ok(post, response)));
		const store = new Outbox().add(alertNamed("a"));
		{
			await using sender = send([receiver.target()], store);
			await receiver.arrived(1);
			await sender[Symbol.asyncDispose]();
			await sender.finished;
		}
		assert.deepEqual(store.alerts.get("a")?.undelivered, ["noc"]);
		await using _sender = send([receiver.target()], store);
		await store.empty();
		assert.deepEqual(
			receiver.posts.map((post) => post.id),
			["a", "a"],
		);
	});

	it("tells again what became other news while it was being posted", async () => {
		const store = new Outbox().add(alertNamed("a"));
		await using receiver = await Receiver.start((post, response, count) => {
			if (count === 1) store.add(alertNamed("a", { state: "resolved", count: 2 }));
			ok(post, response);
		});
		await using _sender = send([receiver.target()], store);
		await store.empty();
		assert.deepEqual(
			receiver.posts.map((post) => post.headers["idempotency-key"]),
			["a-firing-1", "a-resolved-2"],
		);
	});

	it("posts a group once, with what is new and what fires, and again when there is more", async () => {
		await using receiver = await Receiver.start(ok);
		const store = new Outbox().add(
			alertNamed("a"),
			alertNamed("b", { vm: "web-2", severity: "warning" }),
			alertNamed("c", { vm: "web-3", host: "host-2" }),
		);
		const group = { by: ["host", "cause"], wait: 5, interval: 30 } as const;
		await using sender = send([{ ...receiver.target(), group }], store);
		await store.empty();
		store.add(alertNamed("b", { vm: "web-2", state: "resolved", resolvedTime: "1795000060000000000", count: 2 }));
		sender.wake();
		await store.empty();
		const bodies = receiver.posts.map(({ body }) => body as ReturnType<typeof groupPayloadOf>);
		assert.deepEqual(
			bodies.map(({ group, state, firingCount, resolvedCount, alerts }) => ({
				host: group["host"],
				state,
				firingCount,
				resolvedCount,
				ids: alerts.map(({ id }) => id),
			})),
			[
				{ host: "host-1", state: "firing", firingCount: 2, resolvedCount: 0, ids: ["a", "b"] },
				{ host: "host-2", state: "firing", firingCount: 1, resolvedCount: 0, ids: ["c"] },
				{ host: "host-1", state: "firing", firingCount: 1, resolvedCount: 1, ids: ["b", "a"] },
			],
		);
		assert.equal(new Set(receiver.posts.map(({ headers }) => headers["idempotency-key"])).size, 3);
	});

	it("tells again what goes on firing, until it is resolved", async () => {
		await using receiver = await Receiver.start(ok);
		const store = new Outbox().add(alertNamed("a"));
		await using sender = send([{ ...receiver.target(), repeat: 10 }], store);
		await receiver.arrived(3);
		store.add(alertNamed("a", { state: "resolved", resolvedTime: "1795000060000000000" }));
		sender.wake();
		await store.empty();
		const [first, second, third] = receiver.posts;
		assert.equal(first?.headers["idempotency-key"], "a-firing-1");
		assert.match(String(second?.headers["idempotency-key"]), /^a-firing-1-after-\d+$/);
		assert.notEqual(second?.headers["idempotency-key"], third?.headers["idempotency-key"]);
		assert.equal((second?.body as { repeated?: boolean } | undefined)?.repeated, true);
		assert.equal(receiver.posts.at(-1)?.headers["idempotency-key"], "a-resolved-1");
	});

	it("outlives a store that is away for a while", async () => {
		await using receiver = await Receiver.start(ok);
		const store = new Outbox().add(alertNamed("a"));
		store.failures = 4;
		await using _sender = send([receiver.target()], store);
		await store.empty();
		assert.equal(receiver.posts.length, 1);
	});

	it("drops what waits for a webhook that was removed", async () => {
		const store = new Outbox().add(alertNamed("a", { undelivered: ["gone"] }));
		await using _sender = send([], store);
		await store.empty();
	});

	it("shows a fault of its own in `finished`", async () => {
		const store: DeliveryStore = {
			pending: () => {
				throw new TypeError("a bug");
			},
			firing: async () => [],
			delivered: async () => {},
		};
		await using sender = send([{ name: "noc", url: "http://127.0.0.1:1/" }], store);
		await assert.rejects(sender.finished, /a bug/);
	});
});

describe("withoutTarget", () => {
	it("takes off only what was told", () => {
		const posted = alertNamed("a", { undelivered: ["noc", "chat"] });
		assert.deepEqual(withoutTarget({ ...posted, count: 5 }, posted, "noc").undelivered, ["chat"]);
		assert.deepEqual(withoutTarget({ ...posted, severity: "warning" }, posted, "noc").undelivered, ["noc", "chat"]);
		assert.notEqual(idempotencyKey(posted), idempotencyKey({ ...posted, state: "resolved" }));
	});
});
