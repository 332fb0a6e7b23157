/** `umbra demo`: the whole story on one machine. */
import type { Command } from "commander";

interface Options {
	readonly keep?: true;
}

export function register(program: Command): void {
	program
		.command("demo")
		.description("boot a small real VM, shadow it, let three things go wrong, and get a file back")
		.option("--keep", "leave the collector's data behind and say where")
		.action(async (options: Options) => {
			const { runDemo } = await import("../demo/demo.ts");
			const { stopSignal } = await import("../../common/lifecycle.ts");
			await runDemo({ keep: options.keep === true, signal: stopSignal() });
		});
}
