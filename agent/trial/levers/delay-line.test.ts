import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import { DelayLine } from "./delay-line.ts";

/** A server that says all that it hears again, at once; and a client of it over a line. */
async function echo(random: () => number = () => 0) {
	const temp = await tempFolder();
	const stack = new AsyncDisposableStack();
	stack.use(temp);
	const sockets: Socket[] = [];
	const server = createServer((socket) => {
		sockets.push(socket);
		socket.on("error", () => undefined).pipe(socket);
	}).listen(temp.file("server"));
	await once(server, "listening");
	stack.defer(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	const line = stack.use(await DelayLine.listen({ path: temp.file("line"), server: temp.file("server"), random }));
	const client = createConnection({ path: temp.file("line") });
	await once(client, "connect");
	const heard: { readonly text: string; readonly atMs: number }[] = [];
	client.on("data", (bytes: Buffer) => heard.push({ text: bytes.toString(), atMs: performance.now() }));
	stack.defer(() => void client.destroy());
	const text = () => heard.map((each) => each.text).join("");
	return { line, client, heard, text, sockets, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("DelayLine", () => {
	it("brings answers so much later, side by side and not one after another", async () => {
		const lastMs = async () => {
			await using all = await echo();
			all.line.delayMs = 150;
			const begun = performance.now();
			const letters = "abcdefghijklmnopqrstuvwxyz";
			for (const letter of letters) {
				all.client.write(letter);
				await new Promise((resolve) => setTimeout(resolve, 10));
			}
			await until(() => all.text() === letters, { what: "all came" });
			assert.ok((all.heard[0]?.atMs ?? 0) - begun >= 150);
			return (all.heard.at(-1)?.atMs ?? 0) - begun;
		};
		// One after another would be 26 times that; on a host that stands still meanwhile it is as long, but not every time.
		await until(async () => (await lastMs()) < 20 * 150, { what: "all came side by side" });
	});

	it("keeps the order of answers, however far they stray", async () => {
		const chance = [0.9, 0, 0.5, 0.1];
		await using all = await echo(() => chance.shift() ?? 0);
		all.line.jitterMs = 200;
		for (const letter of "abcd") {
			all.client.write(letter);
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		await until(() => all.text().length === 4, { what: "all came" });
		assert.equal(all.text(), "abcd");
	});

	it("lets all go while there is a hurry, and is late again afterwards", async () => {
		await using all = await echo();
		all.line.delayMs = 3_600_000;
		all.client.write("waits");
		await until(() => all.sockets.length > 0, { what: "the server has it" });
		await new Promise((resolve) => setTimeout(resolve, 50));
		assert.equal(all.text(), "");
		{
			using _hurry = all.line.hurry();
			await until(() => all.text() === "waits", { what: "it came" });
			all.client.write(" too");
			await until(() => all.text() === "waits too", { what: "that came as well" });
		}
		all.client.write("late");
		await new Promise((resolve) => setTimeout(resolve, 50));
		assert.equal(all.text(), "waits too");
	});

	it("carries much in little time, all of it", async () => {
		await using all = await echo();
		all.line.delayMs = 5;
		const sent = Buffer.alloc(8 * 2 ** 20, "0123456789abcdef");
		all.client.write(sent);
		await until(() => all.text().length === sent.length, { what: "all came" });
		assert.ok(Buffer.from(all.text()).equals(sent));
	});

	it("ends with either side", async () => {
		await using all = await echo();
		await until(() => all.sockets.length > 0, { what: "the server has it" });
		const closed = once(all.client, "close");
		all.sockets[0]?.destroy();
		await closed;
	});

	it("says where nobody serves", async () => {
		await using temp = await tempFolder();
		const line = DelayLine.listen({ path: temp.file("l"), server: temp.file("nobody"), random: Math.random });
		await assert.rejects(line, { code: "unavailable", message: /nobody/ });
	});
});
