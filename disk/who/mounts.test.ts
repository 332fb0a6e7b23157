import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { type GuestVolume, MountTable, parseFstab, readMounts } from "./mounts.ts";
import { memoryFilesystem, memoryVolume } from "./testing.ts";

const ROOT_UUID = "0b7a5b38-7b0e-4d7e-9a64-3f1f0f9c2a11";

/** A root filesystem with this fstab. */
function root(fstab: string, id = "1"): GuestVolume {
	return memoryVolume(id, memoryFilesystem({ "/etc/fstab": fstab, "/etc/passwd": "" }, { uuid: ROOT_UUID }));
}

/** Where it found what, as "/home -> vg/home". */
async function points(volumes: readonly GuestVolume[]): Promise<string[]> {
	const { mounts } = await readMounts(volumes);
	return mounts
		.map(({ point, volume, base }) => `${point} -> ${volumes[volume]!.id}${base === "/" ? "" : `:${base}`}`)
		.sort();
}

describe("parseFstab", () => {
	it("takes what fstab(5) allows, and skips the rest", () => {
		const text = [
			"# a comment",
			"",
			"\tUUID=ab-cd   /\text4 defaults,noatime 0 1",
			'LABEL="my disk" /x ext4',
			String.raw`/dev/sdb1 /with\040space/ xfs rw 0 0`,
			"/dev/sdc1 none swap sw 0 0",
			"/dev/sdd1 /half",
			"/dev/sde1",
		];
		assert.deepEqual(
			parseFstab(text.join("\n")).map(({ spec, point, type, options }) => [spec, point, type, options.join()]),
			[
				["UUID=ab-cd", "/", "ext4", "defaults,noatime"],
				["/dev/sdb1", "/with space", "xfs", "rw"],
			],
		);
	});

	it("stops at as many entries as it can hold against each other", () => {
		assert.equal(parseFstab("a /b ext4\n".repeat(10_000)).length, 128);
	});
});

describe("readMounts", () => {
	const other = (id: string, change: Parameters<typeof memoryFilesystem>[1] = {}, disk = 0): GuestVolume =>
		memoryVolume(id, memoryFilesystem({}, change), disk);

	const cases = [
		{ spec: "UUID=12AB-34CD", volume: other("2", { uuid: "12ab-34cd" }) },
		{ spec: "LABEL=data", volume: other("2", { label: "data" }) },
		{ spec: "/dev/disk/by-uuid/12ab-34cd", volume: other("2", { uuid: "12AB-34CD" }) },
		{ spec: String.raw`/dev/disk/by-label/my\x20disk`, volume: other("2", { label: "my disk" }) },
		{ spec: "/dev/sda2", volume: other("2") },
		{ spec: "/dev/vdb1", volume: other("1", {}, 1) },
		{ spec: "/dev/vdb", volume: other("", {}, 1) },
		{ spec: "/dev/nvme1n1p3", volume: other("3", {}, 1) },
		{ spec: "/dev/mapper/big--vg-home", volume: other("big-vg/home") },
		{ spec: "/dev/big-vg/home", volume: other("big-vg/home") },
	];
	for (const { spec, volume } of cases) {
		it(`finds ${spec}`, async () => {
			const volumes = [root(`UUID=${ROOT_UUID} / ext4\n${spec} /data ext4`), other("9"), volume];
			assert.deepEqual(await points(volumes), ["/ -> 1", `/data -> ${volume.id}`]);
		});
	}

	it("finds by its type alone what only the kernel knows by its name", async () => {
		const fstab = `UUID=${ROOT_UUID} / ext4\nPARTUUID=0c0ffee0-01 /boot/efi vfat\nPARTUUID=0c0ffee0-02 /a ext4`;
		const volumes = [root(fstab), other("2", { kind: "vfat" }), other("3"), other("4", { kind: "xfs" })];
		assert.deepEqual(await points(volumes), ["/ -> 1", "/a -> 3", "/boot/efi -> 2"]);
	});

	it("does not guess between two volumes, nor at what is no volume", async () => {
		const fstab = `UUID=${ROOT_UUID} / ext4\nPARTUUID=x /a ext4\nUUID=twin /b xfs\nnas:/srv /c nfs\ntmpfs /tmp tmpfs`;
		const volumes = [
			root(fstab),
			other("2"),
			other("3"),
			...["4", "5"].map((id) => other(id, { kind: "xfs", uuid: "twin" })),
		];
		assert.deepEqual(await points(volumes), ["/ -> 1"]);
	});

	it("takes for the root the volume that mounts itself there, else one that looks like it", async () => {
		const copy = memoryVolume("5", memoryFilesystem({ "/etc/fstab": `UUID=${ROOT_UUID} / ext4`, "/etc/passwd": "" }));
		assert.deepEqual(await points([copy, root(`UUID=${ROOT_UUID} / ext4`)]), ["/ -> 1"]);
		assert.deepEqual(await points([other("4"), root("/dev/root / ext4")]), ["/ -> 1"]);
		const bare = memoryVolume("6", memoryFilesystem({ "/etc/passwd": "" }));
		assert.deepEqual(await points([other("4"), bare]), ["/ -> 6"]);
		assert.deepEqual(await points([other("4")]), []);
	});
});

describe("readMounts of a hostile fstab", () => {
	it("throws nothing and ends, whatever stands in it", async (t) => {
		const random = testRandom(t);
		const words = [
			"UUID=",
			"/dev/mapper/",
			"--",
			"-",
			"/",
			"..",
			"\\040",
			"\\777",
			" ",
			"\n",
			"\t",
			"bind",
			"none",
			"ext4",
			"\0",
		];
		for (let round = 0; round < 300; round++) {
			const text = Array.from({ length: random.below(400) }, () => random.pick(words)).join("");
			const table = await readMounts([
				root(`/dev/sda1 / ext4\n/ /a none bind\n${text}`),
				memoryVolume("2", memoryFilesystem({})),
			]);
			for (const { point, base } of table.mounts) assert.ok(point.startsWith("/") && base.startsWith("/"));
			for (const path of table.toGuest({ volume: 0, path: "/etc/passwd" })) {
				assert.deepEqual(table.toVolume(path), { volume: 0, path: "/etc/passwd" });
			}
		}
	});
});

describe("MountTable", () => {
	it("goes from a guest's path to a volume and back, also through bind mounts", async () => {
		const fstab = [
			`UUID=${ROOT_UUID} / ext4`,
			"LABEL=srv /srv xfs",
			"/srv/www /var/www none bind 0 0",
			"LABEL=deep /srv/www/deep ext4",
		];
		const volumes = [
			root(fstab.join("\n")),
			memoryVolume("2", memoryFilesystem({}, { label: "srv", kind: "xfs" })),
			memoryVolume("3", memoryFilesystem({}, { label: "deep" })),
		];
		const table = await readMounts(volumes);
		assert.deepEqual(table.toVolume("/srv/www/a/../index.html"), { volume: 1, path: "/www/index.html" });
		assert.deepEqual(table.toVolume("/var/www/index.html"), { volume: 1, path: "/www/index.html" });
		assert.deepEqual(table.toVolume("/srv"), { volume: 1, path: "/" });
		assert.deepEqual(table.toVolume("/srvx"), { volume: 0, path: "/srvx" });
		assert.deepEqual(table.toVolume("/srv/www/deep/x"), { volume: 2, path: "/x" });
		assert.deepEqual(table.toGuest({ volume: 1, path: "/www/index.html" }).sort(), [
			"/srv/www/index.html",
			"/var/www/index.html",
		]);
		assert.deepEqual(table.toGuest({ volume: 0, path: "/etc/passwd" }), ["/etc/passwd"]);
		// A mount hides what lies below it.
		assert.deepEqual(table.toGuest({ volume: 0, path: "/srv/hidden" }), []);
		assert.deepEqual(new MountTable(volumes, []).toVolume("/etc"), undefined);
	});

	it("comes back to where it set out, whatever is mounted where", (t) => {
		const random = testRandom(t);
		const path = (): string =>
			`/${Array.from({ length: random.below(4) }, () => random.pick(["a", "b", "c"])).join("/")}`;
		for (let round = 0; round < 500; round++) {
			const points = new Set(["/", ...Array.from({ length: random.below(8) }, path)]);
			const mounts = [...points].map((point) => ({
				point,
				volume: random.below(3),
				base: random.chance(0.3) ? path() : "/",
			}));
			const table = new MountTable([], mounts);
			const wanted = path();
			const place = table.toVolume(wanted);
			assert.ok(place !== undefined && table.toGuest(place).includes(wanted), `${wanted} in ${JSON.stringify(mounts)}`);
		}
	});
});
