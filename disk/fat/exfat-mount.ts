/** For tests: exFAT written by a driver, through FUSE and a loop device. */
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir } from "node:fs/promises";
import { type Needs, needs } from "../../test/support/requires.ts";
import { run } from "./testing.ts";

const MOUNT = "mount.exfat-fuse";

export function needsExfatMount(...programs: readonly string[]): Needs {
	const found = needs("mkfs.exfat", MOUNT, "losetup", ...programs);
	return { skip: found.skip !== false ? found.skip : mayMount() };
}

function mayMount(): false | string {
	try {
		accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
		accessSync("/dev/loop-control", constants.R_OK | constants.W_OK);
		return process.getuid?.() === 0 ? false : "only root may attach loop devices";
	} catch {
		return "there is no /dev/fuse or /dev/loop-control here";
	}
}

/** Mounted while `use` runs. */
export async function mountedExfat(
	image: string,
	folder: string,
	use: (mount: string) => Promise<void>,
): Promise<void> {
	await mkdir(folder, { recursive: true });
	const device = (await run("losetup", "-f", "--show", image)).trim();
	try {
		// It stays in the background and must not hold on to our output.
		execFileSync(MOUNT, [device, folder], { stdio: "ignore", timeout: 30_000 });
		try {
			await use(folder);
		} finally {
			await run("umount", folder);
		}
	} finally {
		await run("losetup", "-d", device);
	}
}
