import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { startProgram } from "../../test/support/processes.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { RamRelay } from "./ram-relay.ts";

const MIB = 2 ** 20;

/** Who relays to that path. */
function relaysOf(path: string): string[] {
	return readdirSync("/proc").filter((pid) => {
		try {
			return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(path);
		} catch {
			return false; // It has ended meanwhile.
		}
	});
}

async function connected(path: string): Promise<Socket> {
	const socket = connect(path);
	await once(socket, "connect");
	return socket;
}

/** As QEMU does: to the end, or it was cut. */
async function send(socket: Socket, bytes: Uint8Array): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		socket.once("error", reject);
		socket.end(bytes, resolve);
	});
}

const gone = (path: string) => until(() => relaysOf(path).length === 0, { what: "the relay ends" });

describe("RamRelay", () => {
	it("brings what is sent, whole and in order, also to a reader who takes his time", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		const path = folder.file("ram");
		const relay = await RamRelay.start(path);
		const bytes = random.bytes(24 * MIB + random.below(MIB));
		const sent = send(await connected(path), bytes);
		const hash = createHash("sha256");
		let count = 0;
		for await (const piece of relay.pieces()) {
			if (random.chance(0.1)) await new Promise((resolve) => setTimeout(resolve, random.below(20)));
			hash.update(piece);
			count += piece.length;
		}
		await sent;
		assert.equal(count, bytes.length, `seed ${random.seed}`);
		assert.equal(hash.digest("hex"), createHash("sha256").update(bytes).digest("hex"), `seed ${random.seed}`);
		relay.close();
		await gone(path);
	});

	it("takes what is sent to its end where nobody reads it any more", async () => {
		await using folder = await tempFolder();
		const path = folder.file("ram");
		const relay = await RamRelay.start(path);
		const sent = send(await connected(path), Buffer.alloc(32 * MIB, 1));
		for await (const piece of relay.pieces()) {
			assert.ok(piece.length > 0);
			break;
		}
		relay.close();
		await sent;
		await gone(path);
		await assert.rejects(relay.pieces().next(), { code: "unavailable" });
	});

	it("takes it to its end where the agent is killed", async () => {
		await using folder = await tempFolder();
		const path = folder.file("ram");
		const child = join(import.meta.dirname, "ram-relay-child.ts");
		await using agent = await startProgram(process.execPath, [child, path]);
		await agent.said(/listens/);
		const socket = await connected(path);
		const sent = send(socket, Buffer.alloc(32 * MIB, 1));
		await agent.said(/read/);
		await agent.kill();
		await sent;
		await gone(path);
	});

	it("ends with an agent to whom nobody has connected", async () => {
		await using folder = await tempFolder();
		const path = folder.file("ram");
		// What an agent leaves that is killed in the wrong instant.
		await writeFile(`${path}.pipe`, "");
		const relay = await RamRelay.start(path);
		assert.equal(relaysOf(path).length, 1);
		relay.close();
		await gone(path);
		assert.deepEqual(readdirSync(folder.path), []);
	});

	it("says why where it cannot listen", async () => {
		await using folder = await tempFolder();
		await assert.rejects(RamRelay.start(folder.file("r".repeat(200))), {
			code: "unavailable",
			message: /longer than 107 bytes/,
		});
		await assert.rejects(RamRelay.start(join(folder.path, "missing", "ram")), { code: "unavailable" });
	});
});
