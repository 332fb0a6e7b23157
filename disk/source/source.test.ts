import { writeFileSync } from "node:fs";
import { needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { cacheSource } from "./cache.ts";
import { openFile } from "./file.ts";
import { BASE_ALLOCATION, NbdClient, nbdSource } from "./nbd/client.ts";
import { openImage } from "./open.ts";
import { sliceSource } from "./slice.ts";
import { behavesAsBlockSource, run, sampleDisk, serve } from "./testing.ts";

const SIZE = 8 * 2 ** 20 + 1536;
const qemu = needs("qemu-nbd", "qemu-img");
const nbdkit = needs("nbdkit");

/** The sample disk in a raw file of its own. */
async function rawFile(
	resources: AsyncDisposableStack,
	disk: Uint8Array,
): Promise<{ folder: TempFolder; raw: string }> {
	const folder = resources.use(await tempFolder());
	const raw = folder.file("disk.raw");
	writeFileSync(raw, disk);
	return { folder, raw };
}

behavesAsBlockSource("a file", { knowsZeroes: false }, async (resources) => {
	const disk = sampleDisk(SIZE + 7);
	return { source: await openFile((await rawFile(resources, disk)).raw), disk };
});

behavesAsBlockSource("a slice", { knowsZeroes: false }, async (resources) => {
	const disk = sampleDisk(SIZE);
	const whole = resources.use(await openFile((await rawFile(resources, disk)).raw));
	return { source: sliceSource(whole, 12345, SIZE - 54321), disk: disk.subarray(12345, 12345 + SIZE - 54321) };
});

behavesAsBlockSource("a cache that holds everything", { knowsZeroes: false }, async (resources) => {
	const disk = sampleDisk(SIZE + 7);
	return { source: cacheSource(await openFile((await rawFile(resources, disk)).raw), { limitBytes: 2 ** 24 }), disk };
});

behavesAsBlockSource("a cache of three odd blocks", { knowsZeroes: false }, async (resources) => {
	const disk = sampleDisk(SIZE + 7);
	const file = await openFile((await rawFile(resources, disk)).raw);
	return { source: cacheSource(file, { limitBytes: 30_000, granularity: 10_000 }), disk };
});

for (const format of ["raw", "qcow2"]) {
	behavesAsBlockSource(`qemu-nbd of ${format}`, { knowsZeroes: true, needs: qemu }, async (resources) => {
		const disk = sampleDisk(SIZE);
		const { folder, raw } = await rawFile(resources, disk);
		const image = folder.file("image");
		run("qemu-img", "convert", "-f", "raw", "-O", format, raw, image);
		const path = folder.file("socket");
		resources.use(await serve(path, "qemu-nbd", "-r", "-t", "-f", format, "-k", path, image));
		const client = await NbdClient.connect({ address: { path }, exportName: "", contexts: [BASE_ALLOCATION] });
		return { source: nbdSource(client, "qemu-nbd"), disk };
	});
}

behavesAsBlockSource("nbdkit without structured replies", { knowsZeroes: false, needs: nbdkit }, async (resources) => {
	const disk = sampleDisk(SIZE + 7);
	const { folder, raw } = await rawFile(resources, disk);
	const path = folder.file("socket");
	resources.use(await serve(path, "nbdkit", "-f", "-r", "--no-sr", "-U", path, "file", raw));
	return { source: await openImage(`nbd+unix:///?socket=${path}`), disk };
});

behavesAsBlockSource(
	"nbdkit with whole sectors of at most 32 KiB",
	{ knowsZeroes: true, needs: nbdkit },
	async (resources) => {
		const disk = sampleDisk(SIZE);
		const { folder, raw } = await rawFile(resources, disk);
		run("cp", "--sparse=always", raw, folder.file("sparse"));
		const path = folder.file("socket");
		const policy = [
			"blocksize-minimum=512",
			"blocksize-maximum=32768",
			"blocksize-preferred=4096",
			"blocksize-error-policy=error",
		];
		resources.use(
			await serve(
				path,
				"nbdkit",
				"-f",
				"-r",
				"-U",
				path,
				"--filter=blocksize-policy",
				"file",
				folder.file("sparse"),
				...policy,
			),
		);
		return { source: await openImage(`nbd+unix:///?socket=${path}`), disk };
	},
);

for (const format of ["qcow2", "vmdk", "vhdx", "vdi"]) {
	// qemu has no block status for VHDX: it reports all of it as data.
	behavesAsBlockSource(`openImage of ${format}`, { knowsZeroes: format !== "vhdx", needs: qemu }, async (resources) => {
		const disk = sampleDisk(SIZE);
		const { folder, raw } = await rawFile(resources, disk);
		const image = folder.file("an image, with=signs");
		run("qemu-img", "convert", "-f", "raw", "-O", format, raw, image);
		return { source: await openImage(image), disk };
	});
}
