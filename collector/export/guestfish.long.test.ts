/**
 * An export, read by guestfish as docs/operations.md says. Its appliance is a small VM, which supermin makes of this host's
 * own programs and a kernel; here of the kernel that the tests' guests have, since a container has none. libnbd's own
 * test suite is not run: it is made with libnbd from its source, against the servers that it brings (`libnbd.test.ts` asks
 * the same library all that the protocol knows instead).
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { GUEST_CACHE, KERNEL } from "../../packaging/guest/kernel.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { createRandom } from "../../test/support/random.ts";
import { type Needs, needsGuest } from "../../test/support/requires.ts";
import type { TempFolder } from "../../test/support/temp.ts";
import { ExportSite } from "./testing.ts";

const SUPERMIN_INPUT = "/usr/lib/x86_64-linux-gnu/guestfs/supermin.d";
const SIZE = 24 * 2 ** 20;

function needsAppliance(): Needs {
	const found = needsGuest("guestfish", "supermin", "depmod", "unshare");
	if (found.skip !== false || process.getuid?.() === 0) return found;
	return { skip: "only root may make libguestfs an appliance of another kernel" };
}

/**
 * supermin wants a folder /lib/modules, which a host without a kernel lacks: it is laid over the host's, for nobody else
 * to see.
 */
const BUILD = `set -e
if [ ! -d /lib/modules ]; then
	mount -t tmpfs none "$work"
	mkdir -p "$work/upper/modules" "$work/work"
	mount -t overlay none -o "lowerdir=/usr/lib,upperdir=$work/upper,workdir=$work/work" /usr/lib
fi
exec supermin --build -f ext2 --copy-kernel --host-cpu x86_64 ${SUPERMIN_INPUT} -o "$out"
`;

/** The folder of a "fixed appliance", as libguestfs calls one that it does not make itself. */
async function makeAppliance(folder: TempFolder): Promise<string> {
	const [out, work, tree] = [folder.file("appliance"), folder.file("work"), folder.file("tree")];
	const from = join(GUEST_CACHE, "kernel", "modules");
	const names = await readdir(from);
	const release = (await runProgram("modinfo", ["-F", "vermagic", join(from, names[0]!)])).split(" ")[0]!;
	const modules = join(tree, "lib/modules", release);
	await mkdir(join(modules, "kernel"), { recursive: true });
	await mkdir(work);
	for (const name of names) await copyFile(join(from, name), join(modules, "kernel", name));
	for (const name of ["modules.order", "modules.builtin"]) await writeFile(join(modules, name), "");
	await runProgram("depmod", ["-b", tree, release]);
	const env = { SUPERMIN_KERNEL: KERNEL, SUPERMIN_MODULES: modules, work, out };
	const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
	await runProgram("env", [...settings, "unshare", "--mount", "sh", "-c", BUILD]);
	await writeFile(join(out, "README.fixed"), "");
	return out;
}

describe("an export, read by guestfish", needsAppliance(), () => {
	it("shows the filesystem of the disk and gives its files", async () => {
		const content = createRandom(3).bytes(9_000_001);
		await using making = await ExportSite.start({});
		const { folder } = making;
		await mkdir(folder.file("files/docs"), { recursive: true });
		await writeFile(folder.file("files/docs/large"), content);
		await writeFile(folder.file("files/hello"), "hello\n");
		await runProgram("mke2fs", [
			"-q",
			"-t",
			"ext4",
			"-d",
			folder.file("files"),
			folder.file("disk"),
			String(SIZE / 1024),
		]);
		await using site = await ExportSite.start({ vda: await readFile(folder.file("disk")) });
		const socket = (await site.open()).listen.replace("unix:", "");
		const appliance = await makeAppliance(folder);
		const settings = [
			"LIBGUESTFS_BACKEND=direct",
			"LIBGUESTFS_BACKEND_SETTINGS=force_tcg",
			`LIBGUESTFS_PATH=${appliance}`,
		];
		const commands = ["run", "vfs-type /dev/sda", "mount-ro /dev/sda /", "cat /hello", "checksum sha256 /docs/large"];
		const script = commands.flatMap((command) => [":", ...command.split(" ")]).slice(1);
		const disk = ["--ro", "--format=raw", "-a", `nbd:///vda?socket=${socket}`];
		const said = await runProgram("env", [...settings, "guestfish", ...disk, ...script]);
		const digest = createHash("sha256").update(content).digest("hex");
		assert.deepEqual(said.trim().split("\n"), ["ext4", "hello", "", digest]);
	});
});
