import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { runProgram } from "../../../packaging/guest/programs.ts";
import { testRandom } from "../../../test/support/random.ts";
import { needs } from "../../../test/support/requires.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { Connection } from "./connection.ts";
import { RecordingServer } from "./testing.ts";

const NEVER = new AbortController().signal;

function connectionTo(url: string, ca?: string): Connection {
	return new Connection({ url, timeoutMs: 60_000, authorization: undefined, ca }, 4);
}

describe("Connection", () => {
	it("hands on the bytes that it is given, compressed", async (context) => {
		const random = testRandom(context);
		await using server = await RecordingServer.start(() => ({ status: 204 }));
		using connection = connectionTo(`${server.url}/below`);
		for (let round = 0; round < 20; round++) {
			const text = Array.from({ length: random.below(5000) }, () => random.pick(["a", "é", "🚀", "\n", '"'])).join("");
			assert.deepEqual(await connection.write("/write?x=1", Buffer.from(text), NEVER), { kind: "accepted" });
			const { path, body, headers } = server.requests.at(-1)!;
			assert.deepEqual([path, body, headers["content-encoding"]], ["/below/write?x=1", text, "gzip"]);
		}
	});

	it("ends what is under way with its caller, and with itself", async () => {
		await using server = await RecordingServer.start(() => ({ status: 204 }));
		using connection = connectionTo(server.url);
		const lines = Buffer.from("a b=1\n");
		await assert.rejects(connection.write("/write", lines, AbortSignal.abort()), { name: "AbortError" });
		const controller = new AbortController();
		const writing = connection.write("/write", lines, controller.signal);
		controller.abort();
		await assert.rejects(writing, { name: "AbortError" });
		assert.deepEqual(await connection.write("/write", lines, NEVER), { kind: "accepted" });
	});

	it("speaks TLS with whom the given authority vouches for, and nobody else", needs("openssl"), async () => {
		await using folder = await tempFolder();
		const [key, cert] = [folder.file("key.pem"), folder.file("cert.pem")];
		await runProgram("openssl", [
			...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
			...["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
		]);
		const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (request, response) => {
			request.resume().on("end", () => response.writeHead(204).end());
		}).listen(0, "127.0.0.1");
		await once(server, "listening");
		const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
		try {
			using trusting = connectionTo(url, await readFile(cert, "utf8"));
			assert.deepEqual(await trusting.write("/write", Buffer.from("a b=1\n"), NEVER), { kind: "accepted" });
			using careful = connectionTo(url);
			await assert.rejects(careful.write("/write", Buffer.from("a b=1\n"), NEVER), {
				code: "unavailable",
				message: /cannot reach https:.*SELF_SIGNED/,
			});
		} finally {
			server.closeAllConnections();
			server.close();
		}
	});
});
