import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { chmod, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { isUmbraError } from "../../../../common/errors.ts";
import { GUEST_CACHE } from "../../../../packaging/guest/kernel.ts";
import { findProgram } from "../../../../packaging/guest/programs.ts";
import { needs } from "../../../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../../../test/support/temp.ts";
import { until } from "../../../../test/support/wait.ts";
import type { GuestCommands, GuestRun, GuestRunOptions } from "../../../guest/commands.ts";
import type { Clone } from "../../clone.ts";
import { IN_GUEST, startGuestLoad } from "../in-guest.ts";

const MIB = 2 ** 20;
const { signal } = new AbortController();
const BUSYBOX = join(GUEST_CACHE, "busybox");
const SHELLS = ["dash", "bash", BUSYBOX];

/** This host as the guest, whose `sh` is the one in `folder`. */
function hostAsGuest(folder: string): GuestCommands {
	const env = { ...process.env, PATH: `${folder}:${process.env["PATH"]}` };
	const run = async ([, ...args]: readonly string[], options: GuestRunOptions): Promise<GuestRun> => {
		return await new Promise((resolve, reject) => {
			const child = execFile(`${folder}/sh`, args, { env, signal: options.signal }, (error, output, errors) => {
				if (error !== null && typeof error.code !== "number") reject(error);
				else resolve({ exitCode: Number(error?.code ?? 0), signal: null, output, errors });
			});
			child.stdin?.end();
		});
	};
	const unasked = () => Promise.reject(new Error("not asked for here"));
	return {
		run,
		system: async () => ({ family: "unix", name: "" }),
		...{ ping: unasked, interfaces: unasked, clock: unasked, setClock: unasked },
	};
}

describe("scripts in guests", needs("dash", "bash", "prlimit"), () => {
	for (const shell of SHELLS) {
		const name = basename(shell);
		const makeTarget = async (temp: TempFolder) => {
			await symlink(findProgram(shell) ?? shell, temp.file("sh"));
			return { clone: undefined as unknown as Clone, guest: hostAsGuest(temp.path) };
		};

		it(`find, stop, limit and kill processes by ${name}`, async () => {
			await using temp = await tempFolder();
			const target = await makeTarget(temp);
			const victim = `umbt (a) b${process.pid % 1000}`;
			await writeFile(temp.file(victim), `#!/bin/sh\nexec 3</dev/null 7</dev/null\nread -r forever\n`);
			await chmod(temp.file(victim), 0o755);
			const victims = [1, 2].map(() => spawn(temp.file(victim), { stdio: ["pipe", "ignore", "ignore"] }));
			const ended = victims.map((each) => new Promise((resolve) => each.once("exit", (_, how) => resolve(how))));
			const values = { process: victim, left: 2, signal: "KILL" };
			const move = { values, seed: 1, signal };
			try {
				const stop = IN_GUEST["process-stop"](target);
				await until(
					async () => {
						const { processes } = await stop.apply(move).catch((error: unknown) => {
							if (isUmbraError(error, "bad-config")) return { processes: 0 };
							throw error;
						});
						return processes === 2;
					},
					{ what: "both are found" },
				);
				await stop.verify(signal);
				await stop.revert(signal);

				const descriptors = IN_GUEST["descriptors-exhausted"](target);
				const { processes, limits } = await descriptors.apply(move);
				assert.equal(processes, 2);
				// 0, 1, 2, 3 and 7 are in use, and the shell's own somewhere above.
				assert.match(String(limits), /^\d+ to 6, \d+ to 6$/);
				await descriptors.verify(signal);
				await descriptors.revert(signal);

				const kill = IN_GUEST["process-kill"](target);
				await kill.apply(move);
				await kill.verify(signal);
				assert.deepEqual(await Promise.all(ended), ["SIGKILL", "SIGKILL"]);
			} finally {
				for (const each of victims) each.kill("SIGKILL");
			}
		});

		it(`take memory and processor time, and give them back, by ${name}`, async () => {
			await using temp = await tempFolder();
			const target = await makeTarget(temp);
			const load = await startGuestLoad(
				target.guest,
				{ cpuPercent: 10, memoryBytes: 8 * MIB, ioBytesPerSecond: 0 },
				signal,
			);
			try {
				await load.verify(signal);
				await load.set({ cpuPercent: 5, memoryBytes: 0, ioBytesPerSecond: 0 }, signal);
			} finally {
				await load.stop(signal);
			}
			const leak = IN_GUEST["memory-leak"](target);
			await leak.apply({ values: { bytesPerSecond: 4 * MIB }, seed: 1, signal });
			await leak.verify(signal);
			await leak.revert(signal);
		});
	}
});
