/** The vault's promises under SIGKILL and on a disk that is really full. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nameToHex } from "../../common/block.ts";
import { startProgram } from "../../test/support/processes.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { checkVault } from "./check.ts";
import { chunkForm } from "./chunk-form.ts";
import { put, sampleChunk } from "./testing.ts";
import { Vault } from "./vault.ts";

const PACK_BYTES = 256 * 1024;

/** Puts chunks of ascending seeds, a few at a time, and prints "ok SEED" once all up to SEED are flushed. */
const WRITER = `
	import { Vault } from ${JSON.stringify(new URL("./vault.ts", import.meta.url).href)};
	import { sampleChunk } from ${JSON.stringify(new URL("./testing.ts", import.meta.url).href)};
	const [folder, first] = [process.argv[1], Number(process.argv[2])];
	const vault = await Vault.open({ folder, secret: process.argv[3], packBytes: ${PACK_BYTES} });
	for (let seed = first; ; ) {
		const batch = 1 + (seed % 9);
		await vault.putAll(Array.from({ length: batch }, (_, index) => sampleChunk(seed + index, 8000)));
		seed += batch;
		await vault.flush();
		process.stdout.write("ok " + (seed - 1) + "\\n");
	}
`;

describe("a vault whose process is killed", () => {
	for (const secret of [undefined, "a key of thirty-two characters.."]) {
		it(`opens again and holds every acknowledged chunk, however often${secret === undefined ? "" : ", encrypted"}`, async (context) => {
			const random = testRandom(context);
			await using folder = await tempFolder();
			let acknowledged = -1;
			for (let round = 0; round < 5; round++) {
				const args = ["--input-type=module", "-e", WRITER, folder.path, String(acknowledged + 1)];
				if (secret !== undefined) args.push(secret);
				await using writer = await startProgram(process.execPath, args);
				await writer.said(/^ok \d+$/m);
				await sleep(random.below(80));
				await writer.kill();
				const said = [...writer.stdout().matchAll(/^ok (\d+)$/gm)].map((match) => Number(match[1]));
				assert.ok(Math.max(...said) > acknowledged, `${said}`);
				acknowledged = Math.max(...said);

				await using vault = await Vault.open({ folder: folder.path, secret, packBytes: PACK_BYTES });
				for (let seed = 0; seed <= acknowledged; seed++) {
					const chunk = sampleChunk(seed, 8000);
					assert.equal(Buffer.compare(await vault.get(chunk.name), chunk.data), 0, `round ${round}: chunk ${seed}`);
				}
				const checks = await Array.fromAsync(checkVault(vault.packs, chunkForm(vault.keys)));
				assert.deepEqual(
					checks.flatMap(({ damage }) => damage),
					[],
					`round ${round}`,
				);
				const held = checks.reduce((sum, { chunks }) => sum + chunks, 0);
				assert.equal(held, vault.stats().chunks, `round ${round}: every chunk that has() promises is on the disk`);
			}
		});
	}
});

/** Root alone may mount; a store that fails at any byte covers the same for everyone (vault.test.ts). */
const skip = process.getuid?.() === 0 ? false : "needs root, to mount a small tmpfs";

describe("a vault on a full file system", { skip }, () => {
	it("refuses with limit, keeps what it accepted and goes on when there is space", async () => {
		await using folder = await tempFolder();
		const mounted = folder.file("small");
		await mkdir(mounted);
		const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=20m", "tmpfs", mounted]);
		assert.equal(mount.status, 0, String(mount.stderr));
		try {
			await using vault = await Vault.open({ folder: mounted, packBytes: 2 ** 20 });
			const accepted: number[] = [];
			let refused: unknown;
			for (let seed = 0; refused === undefined; seed += 2) {
				refused = await put(vault, sampleChunk(seed)).catch((error: unknown) => error);
				if (refused === undefined) accepted.push(seed);
			}
			assert.equal((refused as { code?: unknown }).code, "limit");
			assert.match((refused as { hint?: string }).hint ?? "", /free space/);
			await assert.rejects(vault.flush(), { code: "limit" });
			for (const seed of accepted) await vault.get(sampleChunk(seed).name);
			assert.ok(accepted.length > 300, String(accepted.length));

			const grown = spawnSync("mount", ["-o", "remount,size=64m", mounted]);
			assert.equal(grown.status, 0, String(grown.stderr));
			await vault.flush();
			const more = sampleChunk(accepted.length * 2);
			await put(vault, more);
			await vault.flush();
			await vault[Symbol.asyncDispose]();
			await using again = await Vault.open({ folder: mounted, packBytes: 2 ** 20 });
			for (const seed of [...accepted, accepted.length * 2]) {
				const { name, data } = sampleChunk(seed);
				assert.equal(Buffer.compare(await again.get(name), data), 0, nameToHex(name));
			}
		} finally {
			spawnSync("umount", [mounted]);
		}
	});
});
