/**
 * Who is connected: each agent's newest heartbeat, its machines, and the way back to it for orders.
 * In memory; only what outlives a connection (`AgentRecord`) goes to the catalog.
 */
import { randomUUID } from "node:crypto";
import { UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { nowNs } from "../../common/units.ts";
import type { wire } from "../../proto/service.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { AgentStatus, Heartbeat } from "./heartbeat.ts";

/** Heartbeats missed before an agent counts as stale. */
const STALE_HEARTBEATS = 3;
/** Agents connected at once; bounds the table. */
const MAX_AGENTS = 20_000;

/** Longer, a timer of Node's fires at once: 2^31 - 1 ms, some 24.8 days. */
export const MAX_ORDER_MS: number = 2 ** 31 - 1;

export type OrderBody = Omit<wire.v1.Order.$Properties, "orderId" | "$unknowns">;

/** What a session gives to the table. */
export interface AgentLink {
	readonly id: string;
	readonly host: string;
	readonly version: string;
	readonly peer: string;
	send(order: wire.v1.Order.$Properties): void;
	/** Ends the session: another one took its place. */
	close(reason: UmbraError): void;
}

interface Connected {
	readonly link: AgentLink;
	readonly firstSeen: bigint;
	lastSeen: bigint;
	heartbeat: Heartbeat | null;
	readonly orders: Map<string, PromiseWithResolvers<wire.v1.OrderResult.$Properties>>;
}

export class AgentTable {
	readonly heartbeatSeconds: number;
	readonly #catalog: Catalog;
	readonly #log: Logger;
	readonly #connected = new Map<string, Connected>();

	constructor(options: { readonly catalog: Catalog; readonly log: Logger; readonly heartbeatSeconds: number }) {
		this.heartbeatSeconds = options.heartbeatSeconds;
		this.#catalog = options.catalog;
		this.#log = options.log;
	}

	get connectedCount(): number {
		return this.#connected.size;
	}

	/**
	 * Takes an agent in. A second connection of the same agent ends the first.
	 *
	 * @throws UmbraError `conflict` where a live agent on another host has the same id, `limit`.
	 */
	async connect(link: AgentLink): Promise<void> {
		const before = this.#connected.get(link.id);
		if (before !== undefined && before.link.host !== link.host && !this.#isStale(before)) {
			throw new UmbraError("conflict", `agent ${link.id} is connected from host ${before.link.host} already`, {
				context: { field: "agent_id", found: link.host, wanted: before.link.host },
				hint: `a copied machine keeps its agent's id: delete the agent's state folder on ${link.host}`,
			});
		}
		if (before === undefined && this.#connected.size >= MAX_AGENTS) {
			throw new UmbraError("limit", `${MAX_AGENTS} agents are connected already`);
		}
		const now = nowNs();
		const agent: Connected = { link, firstSeen: now, lastSeen: now, heartbeat: null, orders: new Map() };
		this.#connected.set(link.id, agent);
		if (before !== undefined) {
			failOrders(before, "the agent connected anew");
			before.link.close(new UmbraError("conflict", `agent ${link.id} connected anew from ${link.peer}`));
		}
		this.#log.info({ agent: link.id, host: link.host, version: link.version, peer: link.peer }, "agent connected");
		await this.#save(agent);
	}

	/** Nothing happens where another session took this one's place. */
	async disconnect(link: AgentLink): Promise<void> {
		const agent = this.#connected.get(link.id);
		if (agent?.link !== link) return;
		this.#connected.delete(link.id);
		failOrders(agent, "the agent's connection was lost");
		this.#log.info({ agent: link.id, host: link.host }, "agent disconnected");
		await this.#save(agent);
	}

	heartbeat(link: AgentLink, heartbeat: Heartbeat): void {
		const agent = this.#connected.get(link.id);
		if (agent?.link !== link) return;
		agent.lastSeen = nowNs();
		agent.heartbeat = heartbeat;
	}

	orderResult(link: AgentLink, result: wire.v1.OrderResult.$Properties): void {
		const agent = this.#connected.get(link.id);
		if (agent?.link !== link) return;
		agent.lastSeen = nowNs();
		// One that nobody waits for any more came after its timeout.
		agent.orders.get(result.orderId ?? "")?.resolve(result);
	}

	/** Connected and heard of lately. */
	isAlive(agentId: string): boolean {
		const agent = this.#connected.get(agentId);
		return agent !== undefined && !this.#isStale(agent);
	}

	/** True where that agent's newest heartbeat names the VM as one that exists. */
	reports(agentId: string, vm: string): boolean {
		const heartbeat = this.#connected.get(agentId)?.heartbeat;
		return heartbeat?.vms.some((status) => status.vm === vm && status.state !== "gone") ?? false;
	}

	/** Every connected agent, by id. */
	list(): AgentStatus[] {
		return [...this.#connected.values()].map((agent) => this.#status(agent)).sort((a, b) => (a.id < b.id ? -1 : 1));
	}

	status(agentId: string): AgentStatus | undefined {
		const agent = this.#connected.get(agentId);
		return agent === undefined ? undefined : this.#status(agent);
	}

	/** The connected agent that has the VM now. */
	agentOf(vm: string): AgentStatus | undefined {
		for (const agent of this.#connected.values()) {
			if (this.reports(agent.link.id, vm)) return this.#status(agent);
		}
		return undefined;
	}

	/**
	 * Sends an order and waits for its result, for `MAX_ORDER_MS` at most.
	 *
	 * @throws UmbraError `unavailable` where the agent is not connected, goes away, or does not answer in time.
	 */
	async sendOrder(
		agentId: string,
		body: OrderBody,
		options: { readonly timeoutMs: number; readonly signal: AbortSignal },
	): Promise<wire.v1.OrderResult.$Properties> {
		const agent = this.#connected.get(agentId);
		if (agent === undefined) {
			throw new UmbraError("unavailable", `agent ${agentId} is not connected`, {
				hint: "is umbra-agent running on its host, and does it reach this collector?",
			});
		}
		const orderId = randomUUID();
		const waiting = Promise.withResolvers<wire.v1.OrderResult.$Properties>();
		const timer = setTimeout(
			() => {
				waiting.reject(new UmbraError("unavailable", `agent ${agentId} did not answer in ${options.timeoutMs} ms`));
			},
			Math.min(options.timeoutMs, MAX_ORDER_MS),
		);
		const abort = () => waiting.reject(options.signal.reason);
		options.signal.addEventListener("abort", abort, { once: true });
		agent.orders.set(orderId, waiting);
		try {
			options.signal.throwIfAborted();
			agent.link.send({ ...body, orderId });
			return await waiting.promise;
		} finally {
			clearTimeout(timer);
			options.signal.removeEventListener("abort", abort);
			agent.orders.delete(orderId);
		}
	}

	#isStale(agent: Connected): boolean {
		return nowNs() - agent.lastSeen > BigInt(STALE_HEARTBEATS * this.heartbeatSeconds) * 1_000_000_000n;
	}

	#status(agent: Connected): AgentStatus {
		return {
			id: agent.link.id,
			host: agent.link.host,
			version: agent.link.version,
			peer: agent.link.peer,
			connected: true,
			stale: this.#isStale(agent),
			lastSeen: agent.lastSeen.toString(),
			heartbeat: agent.heartbeat,
		};
	}

	async #save(agent: Connected): Promise<void> {
		const { id, host, version, peer } = agent.link;
		const known = await this.#catalog.agent(id);
		const firstSeen = known?.firstSeen ?? agent.firstSeen.toString();
		await this.#catalog.saveAgent({ id, host, version, peer, firstSeen, lastSeen: agent.lastSeen.toString() });
	}
}

function failOrders(agent: Connected, reason: string): void {
	for (const order of agent.orders.values()) order.reject(new UmbraError("unavailable", reason));
}
