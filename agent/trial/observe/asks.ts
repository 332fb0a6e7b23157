/**
 * One question of a probe to a clone. What answers is a guest: how much it says and how long it takes is bounded, and what is shown of it is
 * cut. That a clone cannot be asked at all is `unsupported`, and says nothing of it.
 */
import { request } from "node:http";
import { isUmbraError, messageOf, UmbraError } from "../../../common/errors.ts";
import { clip } from "../../../common/failures/titles.ts";
import type { Probe } from "../../../common/trial/probes.ts";
import type { GuestCommands } from "../../guest/commands.ts";
import type { Endpoint } from "../network/endpoint.ts";
import type { TcpConnection } from "../network/tcp.ts";

/** Of an answer's head and body; what a service says about its health is short. */
const MAX_HEAD_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 256 * 1024;
const HTTP_PORT = 80;

/** What of the guest agent probes need. */
export interface AskedGuest extends Pick<GuestCommands, "ping" | "run"> {
	/** Its addresses, where it tells them. */
	interfaces?(signal: AbortSignal): Promise<readonly { readonly addresses: readonly { readonly address: string }[] }[]>;
}

export interface Means {
	readonly guest: AskedGuest | undefined;
	/** Undefined where the clone has no network card. */
	readonly endpoint: Endpoint | undefined;
	/** That the machine's host saw when it was captured. */
	readonly captured?: readonly string[];
}

/**
 * @param signal aborted when the answer is late
 * @returns what was not as wanted, for people; empty where all was.
 * @throws UmbraError `unsupported` where it cannot be asked; all else is an answer that is not as wanted.
 */
export async function ask(probe: Probe, means: Means, signal: AbortSignal): Promise<string> {
	try {
		if (probe.tcp !== undefined) return await askTcp(probe.tcp, means, signal);
		if (probe.http !== undefined) return await askHttp(probe.http, means, signal);
		if (probe.command !== undefined) return await askCommand(probe.command, probe.timeout, means, signal);
	} catch (error) {
		if (isUmbraError(error, "unsupported")) throw error;
		return messageOf(error);
	}
	throw new UmbraError("internal", `${probe.name} is no question`);
}

interface Place {
	readonly address?: string | undefined;
	readonly port: number;
}

async function askTcp({ address, port }: Place, means: Means, signal: AbortSignal): Promise<string> {
	const { endpoint, at } = await placeOf(address, means, signal);
	endpoint.release(await endpoint.connect(at, port, signal));
	return "";
}

async function askHttp(wanted: NonNullable<Probe["http"]>, means: Means, signal: AbortSignal): Promise<string> {
	const { endpoint, at } = await placeOf(wanted.address, means, signal);
	const { port, path, status, contains } = wanted;
	const host = wanted.host ?? (port === HTTP_PORT ? at : `${at}:${port}`);
	const connection = await endpoint.connect(at, port, signal);
	try {
		const answer = await get(connection, { path, host }, signal);
		if (answer.status !== status) return `answered with ${answer.status}, not ${status}`;
		return contains === undefined || answer.body.includes(contains)
			? ""
			: `the answer does not contain "${clip(contains)}" but: ${clip(answer.body)}`;
	} catch (error) {
		if (!signal.aborted) throw error;
		return `${at}:${port}: connected, and no whole answer in time`;
	} finally {
		if (signal.aborted) connection.destroy();
		else endpoint.release(connection);
	}
}

interface HttpAnswer {
	readonly status: number;
	/** Its beginning, if it is long. */
	readonly body: string;
}

async function get(
	connection: TcpConnection,
	{ path, host }: { readonly path: string; readonly host: string },
	signal: AbortSignal,
): Promise<HttpAnswer> {
	const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
	const asked = request({
		path,
		headers: { host, "user-agent": "umbra-probe", accept: "*/*" },
		setHost: false,
		maxHeaderSize: MAX_HEAD_BYTES,
		// It wants a socket, and is content with a stream.
		createConnection: () => connection as never,
		signal,
	});
	asked.on("error", reject);
	asked.on("response", (response) => {
		const body: Buffer[] = [];
		let bytes = 0;
		const done = () =>
			resolve({ status: response.statusCode ?? 0, body: Buffer.concat(body).toString("utf8", 0, MAX_BODY_BYTES) });
		response.on("data", (piece: Buffer) => {
			body.push(piece);
			bytes += piece.length;
			if (bytes < MAX_BODY_BYTES) return;
			done();
			connection.destroy();
		});
		response.on("end", done);
		response.on("error", reject);
	});
	asked.end();
	return await promise;
}

async function askCommand(
	{ run, exitCode, contains }: NonNullable<Probe["command"]>,
	timeoutMs: number,
	{ guest }: Means,
	signal: AbortSignal,
): Promise<string> {
	if (guest === undefined) throw new UmbraError("unsupported", "the guest has no agent that answers");
	const [program = "", ...args] = run;
	const ended = await guest.run([program, ...args], { timeoutMs, signal });
	const said = clip(ended.errors || ended.output);
	const how = ended.exitCode === null ? `ended by signal ${ended.signal}` : `ended with ${ended.exitCode}`;
	if (ended.exitCode !== exitCode) return `${how}, not ${exitCode}${said === "" ? "" : `: ${said}`}`;
	if (contains === undefined || ended.output.includes(contains)) return "";
	return `what it wrote does not contain "${clip(contains)}" but: ${clip(ended.output)}`;
}

async function placeOf(
	address: string | undefined,
	{ endpoint, guest, captured = [] }: Means,
	signal: AbortSignal,
): Promise<{ readonly endpoint: Endpoint; readonly at: string }> {
	if (endpoint === undefined) throw new UmbraError("unsupported", "the machine has no network card");
	const at = address ?? endpoint.addresses()[0] ?? (await toldBy(guest, signal)) ?? captured.find(isReachable);
	if (at !== undefined) return { endpoint, at };
	throw new UmbraError(
		"unsupported",
		"the guest's address is not known: it has sent no IPv4 yet, and no agent tells it; give the probe an address",
	);
}

async function toldBy(guest: AskedGuest | undefined, signal: AbortSignal): Promise<string | undefined> {
	const interfaces = (await guest?.interfaces?.(signal).catch(() => undefined)) ?? [];
	const addresses = interfaces.flatMap(({ addresses: all }) => all.map(({ address }) => address));
	return addresses.find(isReachable);
}

function isReachable(address: string): boolean {
	return /^\d+\.\d+\.\d+\.\d+$/.test(address) && !/^(?:127|0|169\.254)\./.test(address);
}
