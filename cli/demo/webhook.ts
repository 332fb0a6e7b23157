/** An operator's webhook, as small as it can be: it takes alerts and counts them. */
import { once } from "node:events";
import { createServer } from "node:http";
import { UmbraError } from "../../common/errors.ts";

export interface Webhook extends AsyncDisposable {
	readonly url: string;
	readonly count: number;
	/** Resolves once at least `count` alerts came. */
	received(count: number, signal: AbortSignal): Promise<void>;
}

export async function startWebhook(): Promise<Webhook> {
	const keys = new Set<string>();
	const server = createServer((request, response) => {
		request.resume();
		request.once("end", () => {
			// Delivery is at least once; the key tells repeats apart.
			keys.add(String(request.headers["idempotency-key"]));
			response.writeHead(204).end();
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	if (address === null || typeof address === "string") throw new UmbraError("internal", "no port");
	return {
		url: `http://127.0.0.1:${address.port}/alerts`,
		get count() {
			return keys.size;
		},
		async received(count, signal) {
			while (keys.size < count) {
				signal.throwIfAborted();
				await new Promise((resolve) => setTimeout(resolve, 50));
			}
		},
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			server.close();
			await once(server, "close");
		},
	};
}
