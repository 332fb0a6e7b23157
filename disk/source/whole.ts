/** Whether the files of an image, and of those that it reads from, are as long as what they map. */
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { openFile } from "./file.ts";
import type { ImageFormat } from "./image-format.ts";
import { type Qcow2State, readQcow2Header } from "./qcow2.ts";
import type { ToldImage } from "./qemu-img.ts";
import { qcow2Reach } from "./reach/qcow2.ts";
import { CUT_HINT, Reach } from "./reach/reach.ts";
import { vdiReach } from "./reach/vdi.ts";
import { vmdkReach } from "./reach/vmdk.ts";

export interface WholeOptions {
	readonly format: ImageFormat;
	/** One of the states within the image, instead of the present one. */
	readonly state?: Qcow2State | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * To be asked while QEMU has the image open, which holds it against writers. VHDX images are left to QEMU, which does not
 * open one that was cut; ESX's sparse extents and what is no file of this host are not looked into.
 *
 * @throws UmbraError `truncated` where a file ends too early, `corrupt` where a table cannot be right; what `openFile`
 * throws where one cannot be read; the signal's reason.
 */
export async function requireWhole(path: string, { format, state, signal }: WholeOptions): Promise<void> {
	if (format === "raw" || format === "vhdx") return;
	if (format === "vdi") return await requireVdi(path, signal);
	if (format === "qcow2" && (await requireQcow2(path, state, signal)).isAlone) return;
	// Later: what reads its answers takes as long to load as all else together.
	const { toldChain } = await import("./qemu-img.ts");
	const [told, ...below] = await toldChain(path, format, signal);
	if (told !== undefined) await requirePieces(told, format, signal);
	let above = told;
	for (const image of below) {
		await requireLayer(image, above!, signal);
		above = image;
	}
}

async function requireLayer(image: ToldImage, above: ToldImage, signal: AbortSignal | undefined): Promise<void> {
	const { name, format, sizeBytes } = image;
	if (!isPath(name)) return;
	if (format === "qcow2") await requireQcow2(name, undefined, signal);
	if (format === "vdi") await requireVdi(name, signal);
	// A shorter disk below is nothing unusual: the one above was enlarged. Then its partitions end within it.
	if (format === "raw" && sizeBytes < above.sizeBytes) await requireVolumes(name, signal);
	await requirePieces(image, format, signal);
}

async function requireVdi(path: string, signal: AbortSignal | undefined): Promise<void> {
	await using file = await openFile(path);
	(await vdiReach(file, signal)).require(file);
}

/** `isAlone`: it has no other file. */
async function requireQcow2(path: string, state: Qcow2State | undefined, signal: AbortSignal | undefined) {
	await using file = await openFile(path);
	const header = await readQcow2Header(file, signal);
	const { image } = await qcow2Reach(file, header, state ?? header.present, signal);
	image.require(file);
	return { isAlone: !header.hasBackingFile && !header.hasDataFile };
}

/** The further files of one image: a qcow2's contents, a VMDK's extents. */
async function requirePieces(image: ToldImage, format: string, signal: AbortSignal | undefined): Promise<void> {
	const { dataFile, extents } = image;
	// A relative name is one of the folder that we and QEMU work in.
	if (format === "qcow2" && dataFile !== undefined && !PROTOCOL.test(dataFile))
		await requireData(image.name, dataFile, signal);
	if (format !== "vmdk") return;
	for (const { name, format: kind, sizeBytes } of extents) {
		if (!isPath(name)) continue;
		await using file = await openFile(name);
		const reach = kind === "FLAT" || kind === "VMFS" ? flat(sizeBytes) : await vmdkReach(file, signal);
		reach?.require(file);
	}
}

async function requireData(path: string, dataFile: string, signal: AbortSignal | undefined): Promise<void> {
	await using file = await openFile(path);
	await using contents = await openFile(dataFile);
	const header = await readQcow2Header(file, signal);
	(await qcow2Reach(file, header, header.present, signal)).data.require(contents);
}

/** QEMU's names of what is no file: "json:{...}", "nbd://...". */
const PROTOCOL = /^[a-z][a-z0-9+.-]*:/i;

/** As QEMU opened it: the image that was named is, and so all others are, by their whole paths. */
function isPath(name: string): boolean {
	return name.startsWith("/");
}

function flat(sizeBytes: number): Reach {
	const reach = new Reach();
	reach.add(sizeBytes, "flat extent");
	return reach;
}

/** A disk whose partitions and filesystems end within it is not told from one that was cut behind them, nor need it be. */
async function requireVolumes(path: string, signal: AbortSignal | undefined): Promise<void> {
	await using file = await openFile(path);
	const { openDisk } = await import("../disk.ts");
	const { problems, volumes } = await openDisk(file, signal);
	const refuse = (problem: unknown) => {
		signal?.throwIfAborted();
		if (!isUmbraError(problem, "truncated")) return;
		throw new UmbraError("truncated", `${path}: ends after ${file.size} bytes: ${problem.message}`, {
			cause: problem,
			context: { path, found: file.size, wanted: problem.context.wanted },
			hint: CUT_HINT,
		});
	};
	for (const problem of problems) refuse(problem);
	for (const volume of volumes) if (volume.isReadable) await volume.open(signal).then(() => {}, refuse);
}
