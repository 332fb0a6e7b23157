import assert from "node:assert/strict";
import { copyFile, cp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import si from "systeminformation";
import type { Point } from "../../../common/measurements/measurements.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { KernelTree } from "../../proc/tree.ts";
import { FilesystemReader } from "./filesystems.ts";
import { HostReader, type MemoryReading } from "./host-reader.ts";
import { readTemperatures } from "./temperatures.ts";

const FIXTURES = join(import.meta.dirname, "..", "fixtures");
const GIB = 2 ** 30;
const MEMORY: MemoryReading = {
	...{ total: 64 * GIB, free: 3 * GIB, available: 40 * GIB, buffers: GIB, cached: 30 * GIB, reclaimable: 2 * GIB },
	...{ swaptotal: 8 * GIB, swapused: GIB / 2, dirty: 1_228_800 },
};

/** Two readings, ten seconds apart, of a frozen tree and what is different in it before; the second reading. */
async function readTwice(name: string): Promise<Point[]> {
	await using temp = await tempFolder();
	await cp(join(FIXTURES, name), temp.path, { recursive: true, verbatimSymlinks: true });
	const moving = await readdir(join(FIXTURES, `${name}-before`), { recursive: true }).catch(() => []);
	const take = async (folder: string) => {
		for (const path of moving) {
			const from = join(FIXTURES, folder, path);
			if ((await stat(from)).isFile()) await copyFile(from, temp.file(path));
		}
	};
	await take(`${name}-before`);
	const tree = new KernelTree(temp.path);
	const reader = new HostReader({ host: "h1", tree, memory: async () => MEMORY });
	await reader.read(0n, 1000);
	await take(name);
	const filesystems = new FilesystemReader({
		...{ host: "h1", tree, timeoutMs: 1000 },
		statfs: async (path) => {
			if (path === "/boot") throw new Error("EIO");
			return {
				bsize: 4096,
				blocks: 1000 + path.length,
				bfree: 400,
				bavail: 350,
				files: path === "/" ? 0 : 200,
				ffree: 50,
			};
		},
	});
	const timeNs = 1_764_000_010_000_000_000n;
	return [
		...(await reader.read(timeNs, 11_000)),
		...(await filesystems.read(timeNs)),
		...(await readTemperatures("h1", tree, timeNs)),
	];
}

/** A line a point, a line a field: what reviewers read. */
function golden(points: readonly Point[]): string {
	return points
		.map(({ measurement, tags, timeNs, fields }) => {
			const names = Object.entries(tags).map(([tag, value]) => `${tag}="${value}"`);
			const lines = Object.entries(fields).map(([field, value]) => `    ${field} ${value}\n`);
			return `${measurement} ${names.join(" ")} ${timeNs}\n${lines.join("")}`;
		})
		.join("");
}

describe("HostReader", () => {
	for (const name of ["kvm-host", "container"]) {
		it(`reads the frozen tree ${name} as its golden file says`, async () => {
			const path = join(FIXTURES, `${name}.golden`);
			const found = golden(await readTwice(name));
			// UPDATE_GOLDEN=1 writes what was found; look at the difference before it is committed.
			if (process.env["UPDATE_GOLDEN"] === "1") await writeFile(path, found);
			assert.equal(found, await readFile(path, "utf8"));
		});
	}

	it("tells no shares of time at the first reading, nor from counters that began anew", async () => {
		await using temp = await tempFolder();
		await cp(join(FIXTURES, "container"), temp.path, { recursive: true });
		const reader = new HostReader({ host: "h", tree: new KernelTree(temp.path), memory: async () => MEMORY });
		const usage = async (atMs: number) => {
			const points = await reader.read(0n, atMs);
			return points.find(({ measurement }) => measurement === "host")?.fields["cpu_usage_percent"];
		};
		assert.equal(await usage(0), undefined);
		await writeFile(temp.file("proc/stat"), "cpu  130 0 60 1060 10\n");
		assert.equal(await usage(1000), 40);
		await writeFile(temp.file("proc/stat"), "cpu  1 0 1 5 0\n");
		assert.equal(await usage(2000), undefined);
		await writeFile(temp.file("proc/stat"), "cpu  2 0 2 7 0\n");
		assert.equal(await usage(3000), 50);
	});

	it("reads this host: what it says fits together, and with what systeminformation says", async () => {
		const reader = new HostReader({ host: "h", tree: new KernelTree(), memory: () => si.mem() });
		await reader.read(0n, performance.now());
		const points = await reader.read(0n, performance.now());
		const host = points.find(({ measurement }) => measurement === "host")?.fields ?? {};
		const total = /^MemTotal:\s+(\d+) kB$/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1];
		assert.equal(host["memory_total_bytes"], Number(total) * 1024);
		assert.ok(Number(host["memory_available_bytes"]) <= Number(host["memory_total_bytes"]));
		assert.ok(Number(host["cpu_cores"]) >= 1 && Number(host["uptime_seconds"]) > 0 && Number(host["processes"]) > 1);
		for (const { fields } of points)
			for (const [name, value] of Object.entries(fields))
				if (name.endsWith("_percent")) assert.ok(Number(value) >= 0 && Number(value) <= 100, `${name} ${value}`);
	});
});
