/**
 * `agent/guest/` speaks to the guest agent of a machine, QEMU's own (QEMU docs/interop/qemu-ga-ref). A clone's was captured with its
 * machine: it may be in the midst of an answer to its production host, or of a command; and production's may have been left by
 * another client. So the two come into step first, by a number that is answered behind a delimiter, and again whenever an answer is
 * late or bad: answers have no numbers of their own, and a late one would pass for the next.
 *
 * The agent does one thing at a time, and so does this. Long work is started and asked about, so that pings get through.
 */
import { randomInt } from "node:crypto";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { orAborted } from "../../common/abort.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { type Answer, AnswerReader, DELIMITER } from "./answer-reader.ts";
import type { GuestCommands, GuestInterface, GuestRoute, GuestRun, GuestRunOptions, GuestSystem } from "./commands.ts";

/** Of the port that every guest agent looks for. */
export const AGENT_PORT = "org.qemu.guest_agent.0";

/** What is asked without a limit of the caller's. A stressed guest may take long. */
const ANSWER_MS = 10_000;
const CLOSE_MS = 1000;
/** Between two looks at a program: at first, and at most. */
const LOOK_MS = { first: 5, most: 250 };
const MAX_OUTPUT = 64 * 1024;
/** Of what the guest says about itself or an error, for people. */
const MAX_TOLD = 300;
/** A larger one would not pass through every JSON parser as it is. */
const MAX_SYNC_ID = 2 ** 47;

const answer = z.union([
	z.object({ return: z.unknown() }),
	z.object({ error: z.object({ class: z.string().default(""), desc: z.string().default("") }) }),
]);
const synced = z.object({ return: z.number() });
const text = z.string().transform((found) => found.slice(0, MAX_TOLD).toWellFormed());
const prefix = z.int().min(0).max(128);
const info = z.object({ supported_commands: z.array(z.object({ name: z.string(), enabled: z.boolean() })) });
const started = z.object({ pid: z.int() });
const ended = z.object({
	exited: z.boolean(),
	exitcode: z.number().optional(),
	signal: z.number().optional(),
	"out-data": z.string().default(""),
	"err-data": z.string().default(""),
});
const osInfo = z.object({ id: text.default(""), "version-id": text.default("") });
const interfaces = z.array(
	z.object({
		name: text,
		"hardware-address": text.optional(),
		"ip-addresses": z.array(z.object({ "ip-address": text, prefix })).default([]),
	}),
);

/** IPv6 stands in other fields than IPv4, and its numbers in strings (qga/qapi-schema.json, GuestNetworkRoute). */
const routes = z.array(
	z.object({
		iface: text,
		version: z.union([z.literal(4), z.literal(6)]),
		destination: text,
		metric: z.int().nonnegative().default(0),
		mask: text.default(""),
		gateway: text.default(""),
		desprefixlen: z.coerce.number().pipe(prefix).default(0),
		nexthop: text.default(""),
	}),
);
const filePart = z.object({ count: z.number(), "buf-b64": z.string(), eof: z.boolean() });

/** To and from the agent: a port of QEMU's. */
export interface GuestLine {
	/** Calls `listener` with all that comes until the returned function is called. */
	onData(listener: (bytes: Buffer) => void): () => void;
	/** @throws UmbraError `unavailable` where nobody takes it. */
	write(bytes: Uint8Array): void;
}

interface Wait {
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
}

export class GuestAgent implements GuestCommands, Disposable {
	readonly #line: GuestLine;
	readonly #stopListening: () => void;
	#reader = new AnswerReader();
	/** Who waits for an answer. */
	#taker: ((answer: Answer) => void) | undefined;
	/** Whether the next answer is that to the next command. */
	#inStep = false;
	/** Settles when the last of those that wait for their turn is done. */
	#turn: Promise<void> = Promise.resolve();
	/** By name whether the agent's settings allow it; empty where it did not tell. */
	#commands: ReadonlyMap<string, boolean> | undefined;

	constructor(line: GuestLine) {
		this.#line = line;
		this.#stopListening = line.onData((bytes) => {
			for (const each of this.#reader.push(bytes)) this.#taker?.(each);
		});
	}

	async ping(timeoutMs: number, signal: AbortSignal): Promise<number> {
		return (await this.#ask("guest-ping", {}, { timeoutMs, signal })).tookMs;
	}

	async run(command: readonly [string, ...string[]], options: GuestRunOptions): Promise<GuestRun> {
		const { timeoutMs, signal, input } = options;
		const deadline = performance.now() + timeoutMs;
		const left = (): Wait => ({ timeoutMs: Math.max(1, deadline - performance.now()), signal });
		const [path, ...arg] = command;
		const { pid } = await this.#checked(
			"guest-exec",
			started,
			{
				path,
				arg,
				"capture-output": true,
				...(input === undefined ? {} : { "input-data": Buffer.from(input).toString("base64") }),
			},
			left(),
		);
		for (let lookMs = LOOK_MS.first; ; lookMs = Math.min(2 * lookMs, LOOK_MS.most)) {
			const status = await this.#checked("guest-exec-status", ended, { pid }, left());
			if (status.exited) {
				return {
					exitCode: status.exitcode ?? null,
					signal: status.signal === undefined ? null : signalName(status.signal),
					output: decoded(status["out-data"]),
					errors: decoded(status["err-data"]),
				};
			}
			await sleep(Math.min(lookMs, left().timeoutMs), undefined, { signal });
			if (performance.now() >= deadline) throw late(`${path} did not end in the guest`, timeoutMs);
		}
	}

	async system(signal: AbortSignal): Promise<GuestSystem> {
		const told = await this.#checked("guest-get-osinfo", osInfo, {}, { timeoutMs: ANSWER_MS, signal }).catch(
			(error: unknown) => {
				// Agents before 2.10 cannot tell.
				if (isUmbraError(error, "unsupported")) return { id: "", "version-id": "" };
				throw error;
			},
		);
		return {
			family: told.id === "mswindows" ? "windows" : "unix",
			name: [told.id, told["version-id"]].filter((part) => part !== "").join(" "),
		};
	}

	async interfaces(signal: AbortSignal): Promise<GuestInterface[]> {
		const found = await this.#checked("guest-network-get-interfaces", interfaces, {}, { timeoutMs: ANSWER_MS, signal });
		return found.map((each) => ({
			name: each.name,
			mac: each["hardware-address"],
			addresses: each["ip-addresses"].map(({ "ip-address": address, prefix }) => ({ address, prefix })),
		}));
	}

	/**
	 * Agents since 9.1, of Linux, Windows and FreeBSD.
	 *
	 * @throws UmbraError also `unsupported`.
	 */
	async routes(signal: AbortSignal): Promise<GuestRoute[]> {
		const found = await this.#checked("guest-network-get-route", routes, {}, { timeoutMs: ANSWER_MS, signal });
		return found.map(({ iface, version, destination, metric, mask, gateway, desprefixlen, nexthop }) => ({
			interface: iface,
			destination,
			prefix: version === 4 ? prefixOf(mask) : desprefixlen,
			gateway: version === 4 ? gateway : nexthop,
			metric,
		}));
	}

	/**
	 * A file of the guest's as text, at most the first `maxBytes` of it.
	 *
	 * @throws UmbraError also `unsupported` where its settings do not allow it, `unavailable` where there is no such file.
	 */
	async readFile(path: string, maxBytes: number, signal: AbortSignal): Promise<string> {
		const wait = { timeoutMs: ANSWER_MS, signal };
		const handle = await this.#checked("guest-file-open", z.number(), { path, mode: "r" }, wait);
		const parts: Buffer[] = [];
		try {
			for (let left = maxBytes; left > 0; ) {
				const count = Math.min(left, MAX_OUTPUT);
				const part = await this.#checked("guest-file-read", filePart, { handle, count }, wait);
				const bytes = Buffer.from(part["buf-b64"], "base64").subarray(0, count);
				parts.push(bytes);
				left -= bytes.length;
				if (part.eof || bytes.length === 0) break;
			}
		} finally {
			// Also for who has given up: what is left open stays open. Where it answers no more there is nothing to be done.
			const close = { timeoutMs: CLOSE_MS, signal: AbortSignal.timeout(CLOSE_MS) };
			await this.#checked("guest-file-close", z.unknown(), { handle }, close).catch(() => undefined);
		}
		return Buffer.concat(parts).toString("utf8");
	}

	async clock(signal: AbortSignal): Promise<number> {
		return (await this.#checked("guest-get-time", z.number(), {}, { timeoutMs: ANSWER_MS, signal })) / 1e6;
	}

	async setClock(unixMs: number, signal: AbortSignal): Promise<void> {
		const wait = { timeoutMs: ANSWER_MS, signal };
		await this.#checked("guest-set-time", z.unknown(), { time: Math.round(unixMs * 1e6) }, wait);
	}

	[Symbol.dispose](): void {
		this.#stopListening();
	}

	/** @throws UmbraError also `unsupported` where the agent does not know `command` or its settings forbid it. */
	async #checked<T>(command: string, schema: z.ZodType<T>, args: object, wait: Wait): Promise<T> {
		const { value } = await this.#ask(command, args, wait);
		const parsed = schema.safeParse(value);
		if (parsed.success) return parsed.data;
		const [issue] = parsed.error.issues;
		throw new UmbraError("corrupt", `the guest's agent answered ${command} with something else: ${issue?.message}`, {
			context: { structure: command, field: issue?.path.join(".") ?? "" },
		});
	}

	/** One after another, in the order in which they came. */
	async #ask(command: string, args: object, wait: Wait): Promise<{ readonly value: unknown; readonly tookMs: number }> {
		const tooLate = AbortSignal.timeout(Math.ceil(wait.timeoutMs));
		const stop = AbortSignal.any([wait.signal, tooLate]);
		const before = this.#turn;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#turn = promise;
		try {
			await orAborted(before, stop);
			if (!this.#inStep) await this.#comeIntoStep(stop);
			await this.#checkAllowed(command, stop);
			const began = performance.now();
			const value = await this.#exchange(command, args, stop);
			return { value, tookMs: performance.now() - began };
		} catch (error) {
			wait.signal.throwIfAborted();
			throw tooLate.aborted ? late(`the guest's agent did not answer ${command}`, wait.timeoutMs) : error;
		} finally {
			void before.then(resolve);
		}
	}

	async #comeIntoStep(stop: AbortSignal): Promise<void> {
		const id = randomInt(MAX_SYNC_ID);
		// What the agent has of an earlier command, it drops at the delimiter; what it says of that is passed over.
		const isOurs = ({ delimited, value }: Answer) => delimited && synced.safeParse(value).data?.return === id;
		await this.#say("guest-sync-delimited", { id }, stop, isOurs);
		this.#inStep = true;
	}

	/** Asks the agent once what it may do. */
	async #checkAllowed(command: string, stop: AbortSignal): Promise<void> {
		if (this.#commands === undefined) {
			const told = info.safeParse(
				await this.#exchange("guest-info", {}, stop).catch((error: unknown) => {
					if (isUmbraError(error, "unsupported")) return undefined;
					throw error;
				}),
			);
			const known = told.data?.supported_commands ?? [];
			this.#commands = new Map(known.map(({ name, enabled }) => [name, enabled]));
		}
		if (this.#commands.size === 0 || this.#commands.get(command) === true) return;
		const why = this.#commands.has(command) ? "its settings do not allow it" : "it does not know it";
		throw new UmbraError("unsupported", `the guest's agent refuses ${command}: ${why}`, {
			context: { structure: "guest-info", wanted: command },
			hint: "the lists of allowed and blocked commands in the guest's /etc/qemu/qemu-ga.conf or /etc/sysconfig/qemu-ga",
		});
	}

	async #exchange(command: string, args: object, stop: AbortSignal): Promise<unknown> {
		const said = this.#say(command, args, stop, () => true);
		this.#inStep = false;
		const { value, problem } = await said;
		if (problem !== undefined) throw problem;
		const parsed = answer.safeParse(value);
		if (!parsed.success)
			throw new UmbraError("corrupt", `the guest's agent answered ${command} with neither return nor error`);
		this.#inStep = true;
		if ("error" in parsed.data) throw refusal(command, parsed.data.error);
		return parsed.data.return;
	}

	/** Waits for the first answer that is `wanted`; others are passed over. Out of step, the agent is told to drop what it has. */
	async #say(execute: string, args: object, stop: AbortSignal, wanted: (each: Answer) => boolean): Promise<Answer> {
		const { promise, resolve } = Promise.withResolvers<Answer>();
		this.#taker = (each) => {
			if (wanted(each)) resolve(each);
		};
		try {
			const line = Buffer.from(`${JSON.stringify({ execute, arguments: args })}\n`);
			this.#line.write(this.#inStep ? line : Buffer.concat([Buffer.from([DELIMITER]), line]));
			return await orAborted(promise, stop);
		} finally {
			this.#taker = undefined;
		}
	}
}

/** What the agent's own error comes to. */
function refusal(command: string, told: { readonly class: string; readonly desc: string }): UmbraError {
	const desc = told.desc.slice(0, MAX_TOLD);
	const isUnknown = told.class === "CommandNotFound" || /not (?:currently )?supported|disabled/i.test(desc);
	const isMissing = command === "guest-exec" && /no such file|cannot find/i.test(desc);
	const code = isUnknown ? "unsupported" : isMissing ? "not-found" : "unavailable";
	return new UmbraError(code, `the guest's agent refused ${command}: ${desc}`, { context: { structure: command } });
}

/** Of a netmask with dots. */
function prefixOf(mask: string): number {
	const bits = mask.split(".").map((byte) => Number(byte).toString(2).replaceAll("0", "").length);
	return bits.reduce((sum, each) => sum + each, 0);
}

function late(what: string, timeoutMs: number): UmbraError {
	return new UmbraError("unavailable", `${what} within ${Math.round(timeoutMs)} ms`);
}

function decoded(base64: string): string {
	return Buffer.from(base64, "base64").subarray(0, MAX_OUTPUT).toString("utf8");
}

function signalName(number: number): string {
	return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? String(number);
}
