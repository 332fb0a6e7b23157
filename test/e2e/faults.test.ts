/** What goes wrong around a capture ends in a clear error or a recovery, loses nothing, and leaves other VMs alone. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { it } from "node:test";
import { vmPath } from "../../cli/collector-client.ts";
import { isUmbraError } from "../../common/errors.ts";
import { makeDisk } from "../../packaging/guest/disk.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { BareMachine } from "../support/bare-machine.ts";
import { needs } from "../support/requires.ts";
import { imageSha256, Site } from "../support/site.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

const MIB = 1024 * 1024;
/** While nobody takes them. */
const CAPTURES_AWAY = 4;
const QEMU = needs("qemu-system-x86_64", "qemu-img");

async function image(folder: string, name: string, format: "qcow2" | "raw", bytes: number): Promise<string> {
	const path = join(folder, name);
	await runProgram("qemu-img", ["create", "-f", format, path, String(bytes)]);
	return path;
}

/** Fills a range with bytes that do not compress, through the device. */
async function noise(machine: BareMachine, disk: string, folder: string, offset: number, bytes: number): Promise<void> {
	const path = join(folder, "noise");
	await writeFile(path, randomBytes(bytes));
	await machine.io(disk, `write -s ${path} ${offset} ${bytes}`);
}

/** Mounts a tmpfs of so many bytes: a disk that can be filled for real. */
async function smallDisk(path: string, bytes: number): Promise<AsyncDisposable> {
	await mkdir(path);
	await runProgram("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path]);
	return { [Symbol.asyncDispose]: async () => void (await runProgram("umount", ["-l", path])) };
}

it("keeps every capture while the collector is away, and brings them when it is back", QEMU, async () => {
	await using folder = await tempFolder();
	const path = await image(folder.path, "a.raw", "raw", 32 * MIB);
	const disks = [{ id: "vda", path, format: "raw" }] as const;
	await using machine = await BareMachine.start({ name: "web", folder: folder.path, disks });
	await using site = await Site.start({
		folder: folder.path,
		sockets: [machine.qmpSocket],
		agent: { schedule: "every 1s" },
	});
	await until(async () => (await site.changes("web")).length > 0, { what: "a first point" });

	await site.collector?.kill();
	const captures = () => (site.agent?.output().match(/"msg":"captured"/g) ?? []).length;
	const states = [await imageSha256(path, "raw", folder.path)];
	const before = captures();
	while (captures() < before + CAPTURES_AWAY) {
		await machine.io("vda", `write -P ${states.length} ${states.length * 65536} 64k`);
		await machine.io("vda", "flush");
		states.push(await imageSha256(path, "raw", folder.path));
		const seen = captures();
		await until(() => captures() > seen, { what: "the next capture" });
	}
	// The one that was under way when the last of it was written may know nothing of it; the one behind it does.
	const written = captures();
	await until(() => captures() > written, { what: "a capture of the last state" });
	await site.startCollector();
	const last = captures();
	const changes = await until(
		async () => {
			const found = await site.changes("web");
			return found.length >= last ? found : undefined;
		},
		{ what: `${last} points` },
	);

	// Each point is one of the states the disk went through, in that order.
	let at = 0;
	for (const { time } of changes) {
		const found = states.indexOf(await site.restoredSha256("web", time, "vda"), at);
		assert.ok(found >= at, `the point at ${time} is no state of the disk`);
		at = found;
	}
	assert.equal(at, states.length - 1);
	assert.ok(changes.slice(1).every(({ disks: [disk] }) => disk?.mode === "tracked"));
});

it("stops capturing when the spool is full, says so, and misses nothing once it is emptied", QEMU, async () => {
	await using folder = await tempFolder();
	const path = await image(folder.path, "a.raw", "raw", 64 * MIB);
	const disks = [{ id: "vda", path, format: "raw" }] as const;
	await using machine = await BareMachine.start({ name: "web", folder: folder.path, disks });
	await using site = await Site.start({
		folder: folder.path,
		sockets: [machine.qmpSocket],
		agent: { schedule: "every 1s", spool: { limit: "4MiB" } },
	});
	await until(async () => (await site.changes("web")).length > 0, { what: "a first point" });
	await site.collector?.kill();
	await noise(machine, "vda", folder.path, 0, 16 * MIB);
	await until(() => /"level":40.*spool/.test(site.agent?.output() ?? ""), {
		what: "the agent says that its spool is full",
	});
	await noise(machine, "vda", folder.path, 32 * MIB, 8 * MIB);
	await machine.io("vda", "flush");
	const wanted = await imageSha256(path, "raw", folder.path);

	await site.startCollector();
	await site.connected();
	const point = await site.capture("web");
	assert.equal(await site.restoredSha256("web", point.time, "vda"), wanted);
	assert.equal(point.disks[0]?.mode, "tracked");
});

it("gives up the snapshot rather than the guest's writes when the scratch area is full", QEMU, async () => {
	await using folder = await tempFolder();
	const path = await image(folder.path, "a.qcow2", "qcow2", 256 * MIB);
	const disks = [{ id: "vda", path, format: "qcow2" }] as const;
	await using machine = await BareMachine.start({ name: "web", folder: folder.path, disks });
	await noise(machine, "vda", folder.path, 0, 192 * MIB);
	await using site = await Site.start({
		folder: folder.path,
		sockets: [machine.qmpSocket],
		agent: { scratch: { limit: "1MiB" } },
	});
	await until(async () => (await site.changes("web")).length > 0, { what: "a first point", timeoutMs: 60_000 });
	const isOpen = async () => /umbra-cbw/.test(JSON.stringify(await machine.monitor.execute("query-block")));
	let error: unknown;
	// Who stands still may come when all of it has been read.
	for (let tries = 0; error === undefined && tries < 5; tries++) {
		// Everything is dirty, and overwritten again while it is being read.
		await noise(machine, "vda", folder.path, 0, 192 * MIB);
		let isOver = false;
		const capture = site.client
			.post(vmPath("web", "capture"))
			.then(
				() => undefined,
				(reason: unknown) => reason,
			)
			.finally(() => {
				isOver = true;
			});
		await until(async () => isOver || (await isOpen()), { what: "an open snapshot", intervalMs: 2 });
		await machine.io("vda", "write -P 7 128M 64M");
		error = await capture;
	}
	assert.ok(isUmbraError(error, "unavailable", "limit"), String(error));
	await machine.io("vda", "flush");
	const wanted = await imageSha256(path, "qcow2", folder.path);
	const point = await site.capture("web");
	assert.equal(await site.restoredSha256("web", point.time, "vda"), wanted);
});

for (const what of ["spool", "scratch", "vault"] as const) {
	it(`survives a full disk under the ${what}`, {
		...QEMU,
		skip: QEMU.skip || (process.getuid?.() === 0 ? false : "mounting a tmpfs needs root"),
	}, async () => {
		await using folder = await tempFolder();
		const path = await image(folder.path, "a.raw", "raw", 64 * MIB);
		const disks = [{ id: "vda", path, format: "raw" }] as const;
		await using machine = await BareMachine.start({ name: "web", folder: folder.path, disks });
		const full = join(folder.path, "full");
		await using _mount = await smallDisk(full, 12 * MIB);
		await using site = await Site.start({
			folder: folder.path,
			sockets: [machine.qmpSocket],
			...(what === "spool"
				? { agent: { dataDir: join(full, "agent"), scratch: { dir: join(folder.path, "scratch") } } }
				: {}),
			...(what === "scratch" ? { agent: { scratch: { dir: full } } } : {}),
			...(what === "vault" ? { collector: { dataDir: join(full, "collector") } } : {}),
		});
		await until(async () => (await site.changes("web")).length > 0, { what: "a first point" });
		if (what === "spool") await site.collector?.kill();
		if (what === "scratch") await writeFile(join(full, "filler"), Buffer.alloc(12 * MIB - 64 * 1024)).catch(() => {});
		await noise(machine, "vda", folder.path, 0, 24 * MIB);
		await machine.io("vda", "flush");
		const wanted = await imageSha256(path, "raw", folder.path);

		if (what === "spool") {
			// Nobody can order a capture now; the agent is started anew, so that one is due at once.
			await site.agent?.kill();
			await site.startAgent();
			await until(() => /"msg":"capture failed"/.test(site.agent?.output() ?? ""), {
				what: "the agent says that it cannot capture",
			});
			await site.startCollector();
			await site.connected();
		} else {
			const error = await site.client
				.post<{ changesetId?: string }>(vmPath("web", "capture"), { timeoutSeconds: 5 })
				.then(
					async ({ changesetId }) =>
						(await site.changes("web")).some(({ id }) => id === changesetId) ? undefined : new Error("not taken in"),
					(reason: unknown) => reason,
				);
			if (what === "vault") assert.ok(error !== undefined, "24 MiB went into a vault of 12 MiB");
		}
		// The operator makes room.
		await runProgram("mount", ["-o", `remount,size=${256 * MIB}`, full]);
		const point = await site.capture("web");
		assert.equal(await site.restoredSha256("web", point.time, "vda"), wanted);
	});
}

it("notices a chunk that was damaged on its way and sends it again", QEMU, async () => {
	await using folder = await tempFolder();
	const path = await image(folder.path, "a.raw", "raw", 64 * MIB);
	const disks = [{ id: "vda", path, format: "raw" }] as const;
	await using machine = await BareMachine.start({ name: "web", folder: folder.path, disks });
	// Content that stays as it is on the wire, so that it can be found there.
	await noise(machine, "vda", folder.path, 0, 24 * MIB);
	await machine.io("vda", "flush");
	await using proxy = await damagingProxy(3);
	await using site = await Site.start({
		folder: folder.path,
		sockets: [machine.qmpSocket],
		agentTarget: (port) => proxy.towards(port),
	});
	const point = await site.capture("web");
	assert.equal(await site.restoredSha256("web", point.time, "vda"), await imageSha256(path, "raw", folder.path));
	assert.equal(proxy.damaged, 3);
	await until(() => /reject|corrupt/i.test(`${site.agent?.output()}${site.collector?.output()}`), {
		what: "a word about it",
	});
});

it("captures a disk of garbage, says what it could not read, and goes on with the other VMs", QEMU, async () => {
	await using folder = await tempFolder();
	const garbage = join(folder.path, "garbage.raw");
	const bytes = randomBytes(32 * MIB);
	// A partition table that promises an ext4 filesystem, and a superblock's magic in the noise.
	bytes.writeUInt16LE(0xaa55, 510);
	bytes.fill(0, 446, 510);
	bytes[450] = 0x83;
	bytes.writeUInt32LE(2048, 454);
	bytes.writeUInt32LE(0xffffffff, 458);
	bytes.writeUInt16LE(0xef53, MIB + 1024 + 56);
	await writeFile(garbage, bytes);
	const sound = await makeDisk(join(folder.path, "sound.raw"), { sizeBytes: 64 * MIB, format: "raw", seed: 3 });
	await using mad = await BareMachine.start({
		name: "mad",
		folder: folder.path,
		disks: [{ id: "vda", path: garbage, format: "raw" }],
	});
	await using sane = await BareMachine.start({
		name: "sane",
		folder: folder.path,
		disks: [{ id: "vda", path: sound.path, format: "raw" }],
	});
	await using site = await Site.start({ folder: folder.path, sockets: [join(folder.path, "*.qmp")] });

	const first = await site.capture("mad");
	assert.equal(await site.restoredSha256("mad", first.time, "vda"), createHash("sha256").update(bytes).digest("hex"));
	const said = (await site.changes("mad")).flatMap(({ disks }) => disks.flatMap(({ problems }) => problems)).join("\n");
	assert.match(said, /partition|ext4|superblock/i);
	await mad.io("vda", "write -P 3 1M 64k");
	await mad.io("vda", "flush");
	const next = await site.capture("mad");
	assert.equal(next.disks[0]?.attribution.unknown, next.disks[0]?.attribution.total);
	assert.equal(await site.restoredSha256("mad", next.time, "vda"), await imageSha256(garbage, "raw", folder.path));

	const other = await site.capture("sane");
	assert.deepEqual(other.disks[0]?.problems, []);
	await sane.io("vda", "flush");
	assert.equal(await site.restoredSha256("sane", other.time, "vda"), await imageSha256(sound.path, "raw", folder.path));
});

const DAMAGE_BYTES = 4 * MIB;

/** Passes connections on and flips one bit in so many of the large pieces that agents send. */
async function damagingProxy(
	times: number,
): Promise<AsyncDisposable & { towards(port: number): number; readonly damaged: number }> {
	const sockets = new Set<Socket>();
	let target = 0;
	let damaged = 0;
	let passed = 0;
	const server = createServer((from) => {
		const to = connect(target, "127.0.0.1");
		for (const socket of [from, to]) {
			sockets.add(socket);
			socket.on("error", () => socket.destroy());
			socket.on("close", () => {
				sockets.delete(socket);
				from.destroy();
				to.destroy();
			});
		}
		from.on("data", (piece: Buffer) => {
			passed += piece.length;
			// Far into the noise, where HTTP/2 and protobuf have nothing: once in so many bytes, however they are cut.
			if (piece.length > 4096 && damaged < times && passed > (damaged + 1) * DAMAGE_BYTES) {
				const at = piece.length >> 1;
				piece.writeUInt8(piece.readUInt8(at) ^ 0x10, at);
				damaged++;
			}
			if (!to.write(piece)) from.pause();
		});
		to.on("drain", () => from.resume());
		to.pipe(from);
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	if (address === null || typeof address === "string") throw new Error("no port");
	return {
		towards: (port) => {
			target = port;
			return address.port;
		},
		get damaged() {
			return damaged;
		},
		[Symbol.asyncDispose]: async () => {
			for (const socket of sockets) socket.destroy();
			server.close();
			await once(server, "close");
		},
	};
}
