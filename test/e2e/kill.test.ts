/**
 * SIGKILL of agent, collector and QEMU at random instants of a capture. Whatever was acknowledged restores bit
 * for bit, judged by a copy of the disks that qemu-img took at that time, and the next capture is right.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { vmPath } from "../../cli/collector-client.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { BareMachine } from "../support/bare-machine.ts";
import { testRandom } from "../support/random.ts";
import { needs } from "../support/requires.ts";
import { imageSha256, Site } from "../support/site.ts";
import { tempFolder } from "../support/temp.ts";
import { isLong } from "../support/variants.ts";

const ROUNDS = isLong ? 40 : 6;
const VICTIMS = ["agent", "collector", "qemu", "nobody", "agent", "collector", "qemu-cleanly"] as const;
const KIB = 1024;
const SIZES = { vda: 32 * KIB * KIB, vdb: 12 * KIB * KIB };
const DISKS = ["vda", "vdb"] as const;
/** Longer than a capture of these disks takes, so that some kills come after it. */
const MAX_KILL_DELAY_MS = 500;

it(
	"loses nothing that was acknowledged, whoever is killed",
	needs("qemu-system-x86_64", "qemu-img"),
	async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		const disks = [
			{ id: "vda", path: join(folder.path, "a.qcow2"), format: "qcow2" },
			{ id: "vdb", path: join(folder.path, "b.raw"), format: "raw" },
		] as const;
		for (const { id, path, format } of disks)
			await runProgram("qemu-img", ["create", "-f", format, path, String(SIZES[id])]);
		const boot = () => BareMachine.start({ name: "victim", folder: folder.path, disks });

		let machine = await boot();
		await using stack = new AsyncDisposableStack();
		stack.defer(() => machine[Symbol.asyncDispose]());
		const site = stack.use(await Site.start({ folder: folder.path, sockets: [machine.qmpSocket] }));

		/** Changesets by id that were seen so far, and what each of their disks must read as. */
		const expected = new Map<string, ReadonlyMap<string, string>>();
		const hashes = async () => {
			const found = new Map<string, string>();
			for (const { id, path, format } of disks) {
				await machine.io(id, "flush");
				found.set(id, await imageSha256(path, format, folder.path));
			}
			return found;
		};
		const expectOfNew = async (wanted: ReadonlyMap<string, string>) => {
			for (const { id } of await site.changes("victim")) if (!expected.has(id)) expected.set(id, wanted);
		};
		// What comes behind a first point is tracked, or resynced.
		await site.capture("victim");
		await expectOfNew(await hashes());
		// Like cards, so that a few rounds meet most of them.
		const deck: (typeof VICTIMS)[number][] = [];
		for (let round = 0; round < ROUNDS; round++) {
			for (let writes = random.between(1, 12); writes > 0; writes--) {
				const disk = random.pick(DISKS);
				const length = random.pick([512, 4096, 64 * KIB, 200 * KIB, 1024 * KIB]);
				const offset = random.below(SIZES[disk] / 512 - length / 512) * 512;
				const kind = random.below(10);
				if (kind === 0) await machine.io(disk, `discard ${offset} ${length}`);
				else if (kind === 1) await machine.io(disk, `write -z ${offset} ${length}`);
				else await machine.io(disk, `write -P ${random.between(1, 255)} ${offset} ${length}`);
			}
			const now = await hashes();

			if (deck.length === 0) deck.push(...VICTIMS);
			const [victim] = deck.splice(random.below(deck.length), 1);
			const delay = random.below(MAX_KILL_DELAY_MS);
			context.diagnostic(`round ${round}: ${victim} after ${delay} ms`);
			const order = site.client.post(vmPath("victim", "capture")).catch(() => undefined);
			await sleep(delay);
			if (victim === "agent") {
				await site.agent?.kill();
				await order;
				await site.startAgent();
			} else if (victim === "collector") {
				await site.collector?.kill();
				await order;
				await site.startCollector();
			} else if (victim !== "nobody") {
				if (victim === "qemu") await machine.kill();
				else await machine.quit();
				await order;
				machine = await boot();
			} else {
				await order;
			}
			await site.connected();
			const next = await site.capture("victim");
			await expectOfNew(now);
			for (const disk of DISKS) {
				assert.equal(await site.restoredSha256("victim", next.time, disk), now.get(disk), `round ${round}, ${disk}`);
			}
		}

		const changes = await site.changes("victim");
		assert.ok(changes.length >= ROUNDS);
		for (const { id, time } of changes) {
			for (const disk of DISKS) {
				assert.equal(
					await site.restoredSha256("victim", time, disk),
					expected.get(id)?.get(disk),
					`${disk} at ${time}`,
				);
			}
		}
		const modes = changes.flatMap((change) => change.disks.map(({ mode }) => mode));
		const count = (mode: string) => modes.filter((each) => each === mode).length;
		context.diagnostic(
			`${changes.length} points restored, ${count("tracked")} disks tracked, ${count("resync")} resynced`,
		);
		// The bitmaps have to be worth something: most captures read only what changed.
		assert.ok(modes.filter((mode) => mode === "tracked").length > modes.length / 2, modes.join(" "));
		assert.ok(modes.includes("resync"));
	},
);
