/** `umbra diff`: which files differ between two images, by how much, by whom, and which package update explains it. */
import type { Command } from "commander";
import { UmbraError } from "../../common/errors.ts";
import { type CollectorOptions, withCollector } from "../collector-client.ts";
import type { DiffImagesOptions } from "../diff/images.ts";
import { collect, IMAGE_HELP } from "./image.ts";
import { withOutput } from "./output.ts";

interface Options extends CollectorOptions, DiffImagesOptions {
	readonly blocks?: boolean;
}

const CAUSES_HELP = `

Of a Linux guest with auditd, wtmp or a journal, and dpkg or rpm, it is told who changed a file and whether it is what its
package shipped; of a Windows volume, who owns it. The guest's own word is all that this rests on. Its root filesystem
has to be among the images.`;

const POINTS_HELP = `

Of a VM that a collector knows, two points are compared: umbra diff web1@2026-11-21T19:00:00Z web1@latest.`;

const HASHES_HELP = `

Where umbra scan has read both images and neither has changed since, only blocks with other hashes are read again.`;

export function register(program: Command): void {
	withCollector(program.command("diff"))
		.description(
			"which files differ between two images or points, by how much, by whom, and which package update explains it",
		)
		.argument(
			"<old>",
			"image file, NBD URI, or VM@TIME, with #N for one partition of an image, #vg/lv for one logical volume",
		)
		.argument("<new>", "the same disk, or VM, later")
		.argument("[disk]", "of points, only this disk")
		.option("--blocks", "of points, which ranges of their disks differ, instead of which files")
		.option("--json", "one JSON object a line")
		.option("--with-old <image>", "a further disk of the same VM, where volume groups span several", collect)
		.option("--with-new <image>", "that disk later; one for each --with-old, in the same order", collect)
		.addHelpText("after", `${IMAGE_HELP}${POINTS_HELP}${CAUSES_HELP}${HASHES_HELP}`)
		.action((old: string, now: string, disk: string | undefined, options: Options) =>
			withOutput(async (output, signal) => {
				const { diffPoints, isPoint } = await import("../diff/points.ts");
				const { json = false, blocks = false } = options;
				const arePoints = [await isPoint(old), await isPoint(now)];
				if (arePoints[0] !== arePoints[1]) {
					const [point, image] = arePoints[0] ? [old, now] : [now, old];
					throw new UmbraError(
						"bad-config",
						`"${point}" is a point and "${image}" an image; wanted two points or two images`,
						{
							hint: "umbra restore makes an image of a point's disk, umbra import points of images",
						},
					);
				}
				if (arePoints[0]) {
					await diffPoints(old, now, { ...options, json, blocks, disk }, output, signal);
				} else if (blocks || disk !== undefined) {
					throw new UmbraError(
						"bad-config",
						`${disk ?? "--blocks"} is for two points, VM@TIME; wanted two images alone`,
					);
				} else {
					const { diffImages } = await import("../diff/images.ts");
					await diffImages(old, now, options, output, signal);
				}
			}),
		);
}
