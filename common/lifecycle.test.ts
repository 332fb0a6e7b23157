import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { describe, it } from "node:test";
import { untilStopped } from "./lifecycle.ts";

const LIFECYCLE = JSON.stringify(`${import.meta.dirname}/lifecycle.ts`);

/** A program that lives until it is told to stop, and then does `afterStop`. */
function start(afterStop: string): AsyncDisposable & {
	signal(name: NodeJS.Signals): void;
	says(word: string): Promise<void>;
	readonly ended: Promise<number | null>;
} {
	const script = `import { stopSignal, untilStopped } from ${LIFECYCLE};
		const signal = stopSignal();
		const alive = setInterval(() => {}, 1000);
		console.log("up");
		await untilStopped(new Promise(() => {}), signal);
		console.log("stopping");
		${afterStop}`;
	const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	let said = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		said += text;
	});
	const ended = once(child, "close").then(([code]) => code as number | null);
	return {
		ended,
		signal: (name) => void child.kill(name),
		says: async (word) => {
			while (!said.includes(word)) await once(child.stdout, "data", { signal: AbortSignal.timeout(30_000) });
		},
		[Symbol.asyncDispose]: async () => {
			child.kill("SIGKILL");
			await ended;
		},
	};
}

describe("stopSignal", () => {
	for (const name of ["SIGTERM", "SIGINT"] as const) {
		it(`lets ${name} end the program in order`, async () => {
			await using program = start("clearInterval(alive);");
			await program.says("up");
			program.signal(name);
			await program.says("stopping");
			assert.equal(await program.ended, 0);
		});
	}

	it("ends the program at once at the second signal", async () => {
		await using program = start("");
		await program.says("up");
		program.signal("SIGTERM");
		await program.says("stopping");
		program.signal("SIGINT");
		assert.equal(await program.ended, 130);
	});
});

describe("untilStopped", () => {
	it("throws what a part died of", async () => {
		const died = new Error("died");
		await assert.rejects(untilStopped(Promise.reject(died), new AbortController().signal), died);
	});
	it("returns when it is told to stop, before or after it began", async () => {
		const never = new Promise<void>(() => {});
		await untilStopped(never, AbortSignal.abort());
		const controller = new AbortController();
		const stopped = untilStopped(never, controller.signal);
		controller.abort();
		await stopped;
		assert.equal(getEventListeners(controller.signal, "abort").length, 0);
	});
});
