/** `umbra scan IMAGE`: names every block of an image and tells what it is made of. */
import type { Command } from "commander";
import { formatBytes, formatDuration } from "../../common/units.ts";
import { table } from "../table.ts";
import { IMAGE_HELP } from "./image.ts";

interface Options {
	readonly json?: true;
	readonly threads: number;
	readonly entropy: boolean;
	readonly keep: boolean;
}

export function register(program: Command): void {
	program
		.command("scan <image>")
		.description("hash an image block by block: bytes, zero and data blocks, duplicates, speed, entropy")
		.option("--threads <n>", "hashing threads", Number, 2)
		.option("--no-entropy", "hash only, which is several times as fast")
		.option("--no-keep", "do not keep the blocks' hashes, with which umbra diff reads only what differs")
		.option("--json", "the result as one object")
		.addHelpText("after", IMAGE_HELP)
		.action(async (image: string, options: Options) => {
			const { scanImage } = await import("../../agent/scan/scan-image.ts");
			const { stopSignal } = await import("../../common/lifecycle.ts");
			const { Progress } = await import("../progress.ts");
			const { BlockNameKeeper } = await import("../block-names.ts");
			const keeper = options.keep ? await BlockNameKeeper.start(image) : undefined;
			let progress: InstanceType<typeof Progress> | undefined;
			const result = await scanImage({
				image,
				threads: options.threads,
				entropy: options.entropy,
				signal: stopSignal(),
				onProgress: (done, total) => {
					progress ??= new Progress(`scanning ${image}`, total);
					progress.at(done);
				},
				...(keeper === undefined ? {} : { onNames: (first, names) => keeper.add(first, names) }),
			});
			progress?.[Symbol.dispose]();
			const kept = (await keeper?.keep()) ?? 0;
			if (options.json) {
				console.log(JSON.stringify(result));
				return;
			}
			const rows = [
				["size", formatBytes(result.bytes)],
				["data blocks", `${result.dataBlocks} (${formatBytes(result.dataBlocks * 65536)})`],
				["zero blocks", String(result.zeroBlocks)],
				["distinct", `${result.distinctBlocks} (${formatBytes(result.distinctBlocks * 65536)})`],
				["entropy", result.entropy === null ? "-" : `${result.entropy.toFixed(2)} bits per byte, mean of data blocks`],
				[
					"speed",
					`${result.megabytesPerSecond.toFixed(0)} MB/s, ${formatDuration(result.seconds * 1000)}, ${options.threads} threads`,
				],
				...(kept > 0 ? [["kept", `${formatBytes(kept)} of block hashes, for umbra diff`]] : []),
			];
			for (const line of table(rows, [
				{ title: "WHAT", value: ([what]) => what ?? "" },
				{ title: "FOUND", value: ([, found]) => found ?? "" },
			])) {
				console.log(line);
			}
		});
}
