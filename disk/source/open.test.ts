import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { openFile } from "./file.ts";
import { detectFormat } from "./image-format.ts";
import { openImage } from "./open.ts";
import { sliceSource } from "./slice.ts";
import { assertBytes, errorOf, run, sampleDisk, serve } from "./testing.ts";

const qemu = needs("qemu-nbd", "qemu-img");

/** Command lines of processes that name `text`. */
function processesNaming(text: string): string[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.map((pid) => {
			try {
				return readFileSync(join("/proc", pid, "cmdline"), "utf8").replaceAll("\0", " ");
			} catch {
				return "";
			}
		})
		.filter((line) => line.startsWith("qemu-nbd") && line.includes(text));
}

describe("openImage", () => {
	it("says what is not there and what is no image", async () => {
		await using folder = await tempFolder();
		assert.equal((await errorOf(openImage(folder.file("none")))).code, "not-found");
		assert.equal((await errorOf(openImage(folder.path))).code, "unsupported");
		assert.equal((await errorOf(openImage("/dev/null"))).code, "unsupported");
		assert.equal((await errorOf(openImage("nbd+unix:///x"))).code, "bad-config");
		assert.equal((await errorOf(openImage(`nbd+unix:///x?socket=${folder.file("none")}`))).code, "not-found");
		run("mkfifo", folder.file("pipe"));
		assert.equal((await errorOf(openImage(folder.file("pipe")))).code, "unsupported");
		await assert.rejects(
			openImage(folder.file("none"), { signal: AbortSignal.abort(new Error("enough")) }),
			new Error("enough"),
		);
	});

	it("opens a file of no bytes", async () => {
		await using folder = await tempFolder();
		writeFileSync(folder.file("empty"), "");
		await using source = await openImage(folder.file("empty"));
		assert.equal(source.size, 0);
		assert.equal((await source.read(0, 0)).length, 0);
		assert.deepEqual(await source.extents(0, 0), []);
	});

	it("is told that a file shrank", async () => {
		await using folder = await tempFolder();
		writeFileSync(folder.file("disk"), sampleDisk(100_000));
		await using source = await openFile(folder.file("disk"));
		writeFileSync(folder.file("disk"), "short");
		assert.equal((await errorOf(source.read(0, 100))).code, "truncated");
	});

	it("reads a guest's own disk as it is, whatever its first sector claims", qemu, async () => {
		await using folder = await tempFolder();
		const secret = folder.file("secret");
		writeFileSync(secret, Buffer.alloc(2 ** 20, 0x53));
		const raw = folder.file("guest.raw");
		run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", secret, raw);
		const bytes = readFileSync(raw);
		await using named = await openImage(raw);
		assertBytes(await named.read(0, named.size), bytes, "by its name");
		run("cp", raw, folder.file("guest"));
		await using told = await openImage(folder.file("guest"), { format: "raw" });
		assertBytes(await told.read(0, told.size), bytes, "as told");
		const path = folder.file("s");
		await using _server = await serve(path, "qemu-nbd", "-r", "-t", "-f", "raw", "-k", path, raw);
		await using exported = await openImage(`nbd+unix:///?socket=${path}`);
		assertBytes(await exported.read(0, bytes.length), bytes, "through NBD");
		await using trusted = await openImage(folder.file("guest"));
		assert.equal((await trusted.read(0, 1))[0], 0x53, "an operator's image may name its backing file");
	});

	it("takes a file name for nothing but a name", qemu, async () => {
		await using folder = await tempFolder();
		const image = folder.file('json:{"driver":"null-co"},x=y,read-only=off');
		const disk = sampleDisk(2 ** 20);
		writeFileSync(folder.file("raw"), disk);
		run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", folder.file("raw"), folder.file("plain"));
		run("mv", folder.file("plain"), image);
		await using source = await openImage(image);
		assertBytes(await source.read(0, disk.length), disk, "the image");
	});

	it("ends its qemu-nbd and removes its socket", qemu, async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		run("qemu-img", "create", "-q", "-f", "qcow2", image, "1M");
		const source = await openImage(image);
		const [line] = processesNaming(image);
		const socket = /--socket=(\S+)/.exec(line ?? "")?.[1] ?? "";
		assert.ok(existsSync(socket));
		await source[Symbol.asyncDispose]();
		assert.deepEqual(processesNaming(image), []);
		assert.ok(!existsSync(socket));
	});

	it("leaves no qemu-nbd behind when this process is killed", qemu, async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		run("qemu-img", "create", "-q", "-f", "qcow2", image, "1M");
		const script = `import { openImage } from ${JSON.stringify(join(import.meta.dirname, "open.ts"))};
			await openImage(${JSON.stringify(image)}); console.log("open"); setInterval(() => {}, 1000);`;
		const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
			stdio: ["ignore", "pipe", "inherit"],
			env: { ...process.env, TMPDIR: folder.path },
		});
		await once(child.stdout, "data");
		assert.equal(processesNaming(image).length, 1);
		child.kill("SIGKILL");
		await until(() => processesNaming(image).length === 0, { what: "qemu-nbd ends", intervalMs: 5 });
	});

	it("says what qemu-nbd said of a damaged image", qemu, async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		run("qemu-img", "create", "-q", "-f", "qcow2", image, "1M");
		const bytes = readFileSync(image);
		bytes.writeUInt32BE(63, 20);
		writeFileSync(image, bytes);
		const error = await errorOf(openImage(image));
		assert.equal(error.code, "unavailable");
		assert.match(error.message, /qemu-nbd ended with code 1: .*[Cc]luster/);
	});

	it("says that a running VM holds the image", needs("qemu-nbd", "qemu-img"), async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		run("qemu-img", "create", "-q", "-f", "qcow2", image, "1M");
		const path = folder.file("s");
		await using _writer = await serve(path, "qemu-nbd", "-t", "-f", "qcow2", "-k", path, image);
		const error = await errorOf(openImage(image));
		assert.equal(error.code, "conflict");
		assert.match(error.hint ?? "", /capture the VM/);
	});

	it("names the package of a missing qemu-nbd", async () => {
		await using folder = await tempFolder();
		writeFileSync(folder.file("image"), Buffer.from("QFI\xfb\0\0\0\x03", "latin1"));
		const path = process.env["PATH"];
		process.env["PATH"] = folder.path;
		try {
			const error = await errorOf(openImage(folder.file("image")));
			assert.equal(error.code, "unavailable");
			assert.equal(error.hint, "apt-get install qemu-utils");
		} finally {
			process.env["PATH"] = path;
		}
	});
});

describe("detectFormat", () => {
	const head = (text: string, at = 0) => {
		const bytes = Buffer.alloc(512);
		bytes.write(text, at, "latin1");
		return bytes;
	};
	const table = [
		["qcow2 version 2", head("QFI\xfb\0\0\0\x02"), "qcow2"],
		["qcow2 version 3", head("QFI\xfb\0\0\0\x03"), "qcow2"],
		["qcow version 1", head("QFI\xfb\0\0\0\x01"), "raw"],
		["a hosted sparse extent", head("KDMV"), "vmdk"],
		["an ESX sparse extent", head("COWD"), "vmdk"],
		["a VMDK descriptor", head("# Disk DescriptorFile\n"), "vmdk"],
		["VHDX", head("vhdxfile"), "vhdx"],
		["VDI", head("\x7f\x10\xda\xbe", 64), "vdi"],
		["a boot sector", head("\x55\xaa", 510), "raw"],
		["seven bytes", Buffer.from("QFI\xfb\0\0\0", "latin1"), "raw"],
		["nothing", Buffer.alloc(0), "raw"],
	] as const;
	for (const [name, bytes, format] of table) {
		it(`takes ${name} for ${format}`, () => assert.equal(detectFormat(bytes), format));
	}
});

describe("sliceSource", () => {
	it("refuses to leave its parent, and leaves it open", async () => {
		await using folder = await tempFolder();
		writeFileSync(folder.file("disk"), sampleDisk(2 ** 20));
		await using source = await openFile(folder.file("disk"));
		assert.throws(() => sliceSource(source, 2 ** 20 - 1, 2), { code: "truncated" });
		const slice = sliceSource(source, 4096, 4096, "part");
		assert.equal(slice.name, "part");
		await slice[Symbol.asyncDispose]();
		assert.equal((await source.read(0, 1)).length, 1);
	});
});
