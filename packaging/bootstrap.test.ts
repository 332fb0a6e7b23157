import assert from "node:assert/strict";
import { chmod, copyFile, mkdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { startProgram } from "../test/support/processes.ts";
import { needs } from "../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../test/support/temp.ts";
import { findProgram } from "./guest/programs.ts";

/** What every Linux has, and nothing that could install anything. */
const TOOLS = ["sh", "cat", "dirname", "find", "flock", "grep", "id", "mkdir", "sed", "sleep", "sort", "touch", "tr"];
const PROGRAMS = ["qemu-system-x86_64", "qemu-img", "qemu-nbd", "mke2fs", "debugfs", "sfdisk"];

/** A checkout of nothing but the bootstrap, on a host whose programs are TOOLS and those added. */
class Checkout {
	readonly #temp: TempFolder;

	constructor(temp: TempFolder) {
		this.#temp = temp;
	}

	static async make(temp: TempFolder): Promise<Checkout> {
		for (const folder of ["packaging", "bin", ".cache/guest/kernel"])
			await mkdir(temp.file(folder), { recursive: true });
		await copyFile(join(import.meta.dirname, "bootstrap.sh"), temp.file("packaging/bootstrap.sh"));
		await writeFile(temp.file("package-lock.json"), "{}");
		for (const tool of TOOLS) await symlink(findProgram(tool)!, temp.file(`bin/${tool}`));
		return new Checkout(temp);
	}

	async addProgram(name: string, script = "exit 0"): Promise<void> {
		await writeFile(this.#temp.file(`bin/${name}`), `#!/bin/sh\n${script}\n`);
		await chmod(this.#temp.file(`bin/${name}`), 0o755);
	}

	async addPackages(): Promise<void> {
		await mkdir(this.#temp.file("node_modules"));
		await writeFile(this.#temp.file("node_modules/.package-lock.json"), "{}");
	}

	async addGuest(): Promise<void> {
		await writeFile(this.#temp.file(".cache/guest/kernel/vmlinuz"), "");
		await writeFile(this.#temp.file(".cache/guest/busybox"), "", { mode: 0o755 });
	}

	async bootstrap(purpose: string): Promise<{ readonly code: number | null; readonly said: string }> {
		const env = { PATH: this.#temp.file("bin") };
		await using program = await startProgram("sh", [this.#temp.file("packaging/bootstrap.sh"), purpose], { env });
		return { code: await program.finished, said: program.output() };
	}
}

describe("bootstrap.sh", needs("flock", ...PROGRAMS), () => {
	it("says nothing where nothing is missing", async () => {
		await using temp = await tempFolder();
		const checkout = await Checkout.make(temp);
		await checkout.addPackages();
		await checkout.addGuest();
		for (const program of PROGRAMS) await checkout.addProgram(program);
		for (const purpose of ["demo", "check"]) {
			assert.deepEqual(await checkout.bootstrap(purpose), { code: 0, said: "" });
		}
	});

	it("names the missing programs with their packages where there is no apt", async () => {
		await using temp = await tempFolder();
		const checkout = await Checkout.make(temp);
		await checkout.addPackages();
		const { code, said } = await checkout.bootstrap("demo");
		assert.equal(code, 1);
		assert.match(said, /qemu-system-x86_64 \(qemu-system-x86\)\n {2}qemu-img \(qemu-utils\)/);
	});

	it("prints the one command to run where apt is there but root is not", async () => {
		await using temp = await tempFolder();
		const checkout = await Checkout.make(temp);
		await checkout.addPackages();
		await checkout.addProgram("apt-get", "exit 1");
		// Whoever runs this test, the script sees an ordinary user, and there is no sudo.
		await rm(temp.file("bin/id"));
		await checkout.addProgram("id", "echo 1000");
		const { code, said } = await checkout.bootstrap("demo");
		assert.equal(code, 1);
		assert.match(said, /run: sudo apt-get update && sudo apt-get install .*qemu-system-x86 qemu-utils$/m);
	});

	it("says how to get npm where packages are missing", async () => {
		await using temp = await tempFolder();
		const { code, said } = await (await Checkout.make(temp)).bootstrap("check");
		assert.equal(code, 1);
		assert.match(said, /npm is missing; install Node.js/);
	});

	it("installs packages anew when the lockfile is newer, once even when run twice at a time", async () => {
		await using temp = await tempFolder();
		const checkout = await Checkout.make(temp);
		await checkout.addPackages();
		await utimes(temp.file("node_modules/.package-lock.json"), 1, 1);
		await checkout.addProgram("npm", `echo "$*" >>${temp.file("npm.calls")}; sleep 0.3`);
		const runs = await Promise.all([checkout.bootstrap("check"), checkout.bootstrap("check")]);
		assert.deepEqual(
			runs.map(({ code }) => code),
			[0, 0],
		);
		assert.match(await readFile(temp.file("npm.calls"), "utf8"), /^ci .*\n$/);
	});

	it("fails with npm's words where npm fails", async () => {
		await using temp = await tempFolder();
		const checkout = await Checkout.make(temp);
		await checkout.addProgram("npm", "echo 'npm error code ENETUNREACH' >&2; exit 1");
		const { code, said } = await checkout.bootstrap("check");
		assert.equal(code, 1);
		assert.match(said, /ENETUNREACH[\s\S]*npm could not install/);
	});

	it("refuses a purpose that it does not know", async () => {
		await using temp = await tempFolder();
		const { code, said } = await (await Checkout.make(temp)).bootstrap("deploy");
		assert.equal(code, 2);
		assert.match(said, /unknown purpose: deploy/);
	});
});
