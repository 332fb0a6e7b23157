/** `umbra cat`: the content of one file inside an image. */
import type { Command } from "commander";
import { UmbraError } from "../../common/errors.ts";
import {
	collect,
	IMAGE_HELP,
	openMachine,
	parseImageSpec,
	selectPath,
	selectVolumes,
	WITH_HELP,
	warn,
} from "./image.ts";
import { type Output, withOutput } from "./output.ts";

const CHUNK = 1024 * 1024;

export function register(program: Command): void {
	program
		.command("cat")
		.description("write the content of a file inside an image to standard output")
		.argument("<image>", "image file or NBD URI, with #N for one partition, #vg/lv for one logical volume")
		.argument("<path>", "file inside it; symlinks are followed within the image")
		.option("--with <image>", WITH_HELP, collect)
		.addHelpText("after", IMAGE_HELP)
		.action((image: string, path: string, options: { with?: string[] }) =>
			withOutput((output, signal) => cat(image, path, options.with ?? [], output, signal)),
		);
}

async function cat(
	image: string,
	path: string,
	others: readonly string[],
	output: Output,
	signal: AbortSignal,
): Promise<void> {
	const { resolvePath } = await import("../../disk/path.ts");
	const spec = await parseImageSpec(image);
	await using opened = new AsyncDisposableStack();
	const sources = await openMachine(spec.image, others, opened, signal);
	const [place, another] = selectPath(await selectVolumes(sources, spec.volume, signal), path);
	if (place === undefined || another !== undefined) throw notAFile(path, "dir");
	const filesystem = await place.placed.volume.open(signal);
	const { node } = await resolvePath(filesystem, place.path, { followLast: true, signal });
	if (node.type !== "file") throw notAFile(path, node.type);
	for (let offset = 0; offset < node.size; ) {
		const chunk = await filesystem.readFile(node, offset, Math.min(CHUNK, node.size - offset), signal);
		if (chunk.length === 0) {
			throw new UmbraError("truncated", `${path}: ends at ${offset}, but its size is ${node.size}`, {
				context: { path, offset, wanted: node.size },
			});
		}
		await output.bytes(chunk);
		offset += chunk.length;
	}
	for (const problem of filesystem.problems.slice(0, 3)) warn(problem.message);
}

function notAFile(path: string, found: string): UmbraError {
	return new UmbraError("unsupported", `${path}: is a ${found}, wanted a file`, {
		context: { path, found, wanted: "file" },
	});
}
