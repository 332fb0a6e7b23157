/** For tests: points whose number tells them apart, a proxy that can stall, and an HTTP server that records what it is asked. */
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import { silentLogger } from "../../../common/log.ts";
import type { Point } from "../../../common/measurements/measurements.ts";
import type { SeriesStore } from "../series-store.ts";
import { openInfluxStore } from "./influx-store.ts";
import { influxSettings } from "./settings.ts";

const START_NS = 1_700_000_000n * 1_000_000_000n;
const SENSORS = 16;

/** Point number `number` of many; `celsius` is that number. */
export function numbered(number: number): Point {
	return {
		measurement: "host_temperature",
		tags: { host: "h1", sensor: `core ${number % SENSORS}` },
		timeNs: START_NS + BigInt(number) * 1_000_000n,
		fields: { celsius: number },
	};
}

export function numberedFrom(first: number, count: number): Point[] {
	return Array.from({ length: count }, (_, at) => numbered(first + at));
}

/** A store with settings beyond the defaults. */
export async function storeAt(
	url: string,
	folder: string,
	settings: Readonly<Record<string, unknown>> = {},
): Promise<SeriesStore> {
	return await openInfluxStore({
		folder,
		settings: influxSettings.parse({ store: "influxdb", url, ...settings }),
		log: silentLogger(),
	});
}

/** Between a client and a server: passes everything on, or accepts and never answers. */
export class StallingProxy implements AsyncDisposable {
	stalls: boolean;
	readonly url: string;
	readonly #server: ReturnType<typeof createServer>;
	readonly #sockets = new Set<Socket>();

	private constructor(server: ReturnType<typeof createServer>, stalls: boolean) {
		this.#server = server;
		this.stalls = stalls;
		this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	}

	static async start(target: string, stalls: boolean): Promise<StallingProxy> {
		const server = createServer().listen(0, "127.0.0.1");
		await once(server, "listening");
		const proxy = new StallingProxy(server, stalls);
		server.on("connection", (client) => proxy.#accept(client, Number(new URL(target).port)));
		return proxy;
	}

	#accept(client: Socket, port: number): void {
		this.#keep(client);
		if (this.stalls) {
			client.resume();
			return;
		}
		const server = connect(port, "127.0.0.1");
		this.#keep(server);
		client.pipe(server).pipe(client);
	}

	#keep(socket: Socket): void {
		this.#sockets.add(socket);
		socket.on("error", () => socket.destroy());
		socket.on("close", () => this.#sockets.delete(socket));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		this.#server.close();
		await once(this.#server, "close");
	}
}

export interface Recorded {
	readonly method: string;
	/** With its query. */
	readonly path: string;
	readonly headers: IncomingHttpHeaders;
	/** Decompressed. */
	readonly body: string;
}

export interface Scripted {
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
	/** Sent as JSON. */
	readonly body?: unknown;
}

/** Answers as a script says: it is no database, and only what it is asked can be looked at. */
export class RecordingServer implements AsyncDisposable {
	readonly requests: Recorded[] = [];
	readonly url: string;
	readonly #server: Server;

	private constructor(server: Server) {
		this.#server = server;
		this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	}

	static async start(answer: (request: Recorded) => Scripted): Promise<RecordingServer> {
		const server = createHttpServer().listen(0, "127.0.0.1");
		await once(server, "listening");
		const recording = new RecordingServer(server);
		server.on("request", async (request, response) => {
			const chunks: Buffer[] = [];
			for await (const chunk of request) chunks.push(chunk);
			const bytes = Buffer.concat(chunks);
			const body = String(request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes);
			const { method = "", url: path = "", headers } = request;
			const recorded = { method, path, headers, body };
			recording.requests.push(recorded);
			const { status, headers: more, body: answered } = answer(recorded);
			response.writeHead(status, { "content-type": "application/json", ...more });
			response.end(answered === undefined ? undefined : JSON.stringify(answered));
		});
		return recording;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#server.closeAllConnections();
		this.#server.close();
		await once(this.#server, "close");
	}
}
