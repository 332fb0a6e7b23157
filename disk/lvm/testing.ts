/**
 * For tests: real volume groups, made by LVM2 on loop devices. It needs root for those, but no device-mapper: the
 * volumes are never activated, and what they hold is put where lvm itself says that it lies.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, open, truncate, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { type Needs, needs } from "../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { lvmCrc } from "./label.ts";

const run = promisify(execFile);
const PATH = `${process.env["PATH"]}:/usr/sbin:/sbin`;

/** What `TestGroup` needs, and these programs. */
export function needsLvm(...programs: readonly string[]): Needs {
	const wanted = needs("lvm", "losetup", ...programs);
	if (wanted.skip !== false) return wanted;
	const hasLoops = process.getuid?.() === 0 && existsSync("/dev/loop-control");
	return hasLoops ? wanted : { skip: "loop devices need root" };
}

/** What lvs says about one segment; places in bytes. */
export interface OracleSegment {
	readonly start: number;
	readonly length: number;
	readonly type: string;
	readonly stripeSize: number;
	readonly stripes: readonly { readonly disk: number; readonly offset: number }[];
}

export class TestGroup implements AsyncDisposable {
	readonly name: string;
	readonly folder: TempFolder;
	/** The images of its physical volumes. */
	readonly images: readonly string[];
	readonly #devices: readonly string[];

	private constructor(name: string, folder: TempFolder, images: readonly string[], devices: readonly string[]) {
		this.name = name;
		this.folder = folder;
		this.images = images;
		this.#devices = devices;
	}

	/**
	 * @param sizes bytes of each physical volume.
	 * @param options `offset`: bytes from the start of its image; `tail`: bytes of the image behind it.
	 */
	static async create(
		name: string,
		sizes: readonly number[],
		options: {
			readonly vgcreate?: readonly string[];
			readonly pvcreate?: readonly string[];
			readonly offset?: number;
			readonly tail?: number;
		} = {},
	): Promise<TestGroup> {
		await using opened = new AsyncDisposableStack();
		const folder = opened.use(await tempFolder());
		const { offset = 0, tail = 0 } = options;
		const images: string[] = [];
		const devices: string[] = [];
		opened.defer(() => detach(devices));
		for (const [at, size] of sizes.entries()) {
			const image = folder.file(`pv${at}.raw`);
			await writeFile(image, "");
			await truncate(image, offset + size + tail);
			images.push(image);
			const args = ["-f", "--show", "-o", String(offset), "--sizelimit", String(size), image];
			devices.push((await run("losetup", args, { env: { ...process.env, PATH } })).stdout.trim());
		}
		const group = new TestGroup(name, folder, images, devices);
		await mkdir(folder.file("locks"));
		await writeFile(
			folder.file("lvm.conf"),
			`devices { use_devicesfile=0 scan=["/dev"] filter=[${devices.map((device) => `"a|^${device}$|"`).join()},"r|.*|"] }
			global { locking_dir="${folder.file("locks")}" event_activation=0 use_lvmpolld=0 }
			activation { udev_sync=0 udev_rules=0 monitoring=0 }
			backup { backup=0 archive=0 }\n`,
		);
		await group.lvm("pvcreate", ...(options.pvcreate ?? []), ...devices);
		await group.lvm("vgcreate", ...(options.vgcreate ?? []), name, ...devices);
		opened.move();
		return group;
	}

	/** A loop device by its number. */
	device(at: number): string {
		return this.#devices[at]!;
	}

	async lvm(command: string, ...args: readonly string[]): Promise<string> {
		const environment = {
			...process.env,
			PATH,
			LVM_SYSTEM_DIR: this.folder.path,
			LVM_SUPPRESS_FD_WARNINGS: "1",
			DM_DISABLE_UDEV: "1",
		};
		const { stdout } = await run("lvm", [command, "--driverloaded", "n", ...args], {
			env: environment,
			maxBuffer: 64 * 1024 * 1024,
		});
		return stdout;
	}

	/** lvcreate without activation. @param places as lvcreate takes them: "0:3-5" for extents of physical volume 0. */
	async create(volume: string, args: readonly string[], places: readonly string[] = []): Promise<void> {
		await this.lvm("lvcreate", "-an", "-y", "-Zn", "-Wn", "-n", volume, ...args, this.name, ...this.#places(places));
	}

	async extend(volume: string, args: readonly string[], places: readonly string[] = []): Promise<void> {
		await this.lvm("lvextend", ...args, `${this.name}/${volume}`, ...this.#places(places));
	}

	#places(places: readonly string[]): string[] {
		return places.map((place) => {
			const [device, range] = place.split(":");
			return `${this.device(Number(device))}${range === undefined ? "" : `:${range}`}`;
		});
	}

	/** Where lvm says that every volume lies, hidden ones too, by name. */
	async oracle(): Promise<Map<string, OracleSegment[]>> {
		const starts = new Map<string, number>();
		const pvs = await this.#report("pvs", "pv_name,pe_start");
		for (const { pv_name, pe_start } of pvs) starts.set(pv_name!, Number(pe_start));
		const [group] = await this.#report("vgs", "vg_extent_size");
		const extent = Number(group!["vg_extent_size"]);
		const fields = "lv_name,segtype,seg_start,seg_size,stripes,stripe_size,devices";
		const volumes = new Map<string, OracleSegment[]>();
		for (const row of await this.#report("lvs", fields, "-a", "--segments")) {
			const stripes = row["devices"]!.split(",")
				.filter((device) => device.startsWith("/dev/"))
				.map((device) => {
					const [, name, number] = /^(.*)\((\d+)\)$/.exec(device)!;
					return { disk: this.#devices.indexOf(name!), offset: starts.get(name!)! + Number(number) * extent };
				});
			const segment: OracleSegment = {
				start: Number(row["seg_start"]),
				length: Number(row["seg_size"]),
				type: row["segtype"]!,
				stripeSize: Number(row["stripe_size"]),
				stripes,
			};
			const name = row["lv_name"]!.replace(/[[\]]/g, "");
			volumes.set(
				name,
				[...(volumes.get(name) ?? []), segment].sort((a, b) => a.start - b.start),
			);
		}
		return volumes;
	}

	async #report(command: string, fields: string, ...args: readonly string[]): Promise<Record<string, string>[]> {
		const options = ["--reportformat", "json", "--units", "b", "--nosuffix", "-o", fields, ...args];
		const { report } = JSON.parse(await this.lvm(command, ...options));
		return Object.values(report[0])[0] as Record<string, string>[];
	}

	/** Copies of the images as they are now. */
	async save(name: string): Promise<string[]> {
		const copies: string[] = [];
		for (const [at, image] of this.images.entries()) {
			const copy = this.folder.file(`${name}-${at}.raw`);
			await copyFile(image, copy);
			copies.push(copy);
		}
		return copies;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await detach(this.#devices);
		await this.folder[Symbol.asyncDispose]();
	}
}

async function detach(devices: readonly string[]): Promise<void> {
	for (const device of devices) await run("losetup", ["-d", device], { env: { ...process.env, PATH } });
}

/** `[offset, length]` of a volume on the disks, piece by piece, by the oracle's segments alone. */
export function* oracleRanges(
	segments: readonly OracleSegment[],
): Generator<{ at: number; disk: number; offset: number; length: number }> {
	for (const { start, length, stripeSize, stripes } of segments) {
		if (stripes.length === 1) {
			yield { at: start, disk: stripes[0]!.disk, offset: stripes[0]!.offset, length };
			continue;
		}
		const used = stripes.map(() => 0);
		for (let done = 0, turn = 0; done < length; done += stripeSize, turn++) {
			const which = turn % stripes.length;
			const { disk, offset } = stripes[which]!;
			yield { at: start + done, disk, offset: offset + used[which]!, length: stripeSize };
			used[which]! += stripeSize;
		}
	}
}

/** Writes what a volume holds into the images, by the oracle's segments. */
export async function place(
	images: readonly string[],
	segments: readonly OracleSegment[],
	content: Buffer,
	base = 0,
): Promise<void> {
	const files = await Promise.all(images.map((image) => open(image, "r+")));
	try {
		for (const { at, disk, offset, length } of oracleRanges(segments)) {
			await files[disk]!.write(content, at, Math.min(length, content.length - at), base + offset);
		}
	} finally {
		await Promise.all(files.map((file) => file.close()));
	}
}

export const PV_UUID = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1";
const MDA_OFFSET = 4096;
const MDA_SIZE = 1024 * 1024 - MDA_OFFSET;

/** A physical volume of our own making, for tests that need neither root nor lvm: label, header, one metadata area. */
export function pvImage(text: string, size = 16 * 1024 * 1024): Buffer {
	const bytes = Buffer.alloc(size);
	bytes.write("LABELONE", 512, "latin1");
	bytes.writeBigUInt64LE(1n, 520);
	bytes.writeUInt32LE(32, 532);
	bytes.write("LVM2 001", 536, "latin1");
	bytes.write(PV_UUID, 544, "latin1");
	bytes.writeBigUInt64LE(BigInt(size), 576);
	bytes.writeBigUInt64LE(1024n * 1024n, 584);
	bytes.writeBigUInt64LE(BigInt(MDA_OFFSET), 616);
	bytes.writeBigUInt64LE(BigInt(MDA_SIZE), 624);
	bytes.write(" LVM2 x[5A%r0N*>", MDA_OFFSET + 4, "latin1");
	bytes.writeUInt32LE(1, MDA_OFFSET + 20);
	bytes.writeBigUInt64LE(BigInt(MDA_OFFSET), MDA_OFFSET + 24);
	bytes.writeBigUInt64LE(BigInt(MDA_SIZE), MDA_OFFSET + 32);
	bytes.writeBigUInt64LE(512n, MDA_OFFSET + 40);
	const encoded = Buffer.from(text, "utf8");
	encoded.copy(bytes, MDA_OFFSET + 512);
	bytes.writeBigUInt64LE(BigInt(encoded.length), MDA_OFFSET + 48);
	bytes.writeUInt32LE(lvmCrc(encoded), MDA_OFFSET + 56);
	return sealed(bytes);
}

/** Sets the checksums of the label and the metadata area's header, after a field was changed. */
export function sealed(bytes: Buffer): Buffer {
	bytes.writeUInt32LE(lvmCrc(bytes.subarray(532, 1024)), 528);
	bytes.writeUInt32LE(lvmCrc(bytes.subarray(MDA_OFFSET + 4, MDA_OFFSET + 512)), MDA_OFFSET);
	return bytes;
}

/** A group of one physical volume of 15 extents of 1 MiB, with volumes whose segments are given as text. */
export function groupText(volumes: Readonly<Record<string, readonly string[]>>): string {
	const uuid = (at: number): string => `BBBBBB-BBBB-BBBB-BBBB-BBBB-BBBB-BBB${String(at).padStart(3, "0")}`;
	const sections = Object.entries(volumes).map(([name, segments], at) => {
		const bodies = segments.map((body, number) => `segment${number + 1} {\n${body}\n}\n`).join("");
		return `${name} {\nid = "${uuid(at)}"\nstatus = ["READ", "WRITE", "VISIBLE"]\nsegment_count = ${segments.length}\n${bodies}}\n`;
	});
	return `vg {
id = "CCCCCC-CCCC-CCCC-CCCC-CCCC-CCCC-CCCCCC"
seqno = 7
extent_size = 2048 # 1 MiB
physical_volumes {
pv0 {
id = "AAAAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAAA1"
device = "/dev/vda2"
status = ["ALLOCATABLE"]
pe_start = 2048
pe_count = 15
}
}
logical_volumes {
${sections.join("")}}
}
contents = "Text Format Volume Group"
version = 1
`;
}

/** The text of one linear segment on `pv0`. */
export function linear(start: number, count: number, from: number): string {
	return `start_extent = ${start}\nextent_count = ${count}\ntype = "striped"\nstripe_count = 1\nstripes = [ "pv0", ${from} ]`;
}
