import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { silentLogger } from "../../common/log.ts";
import { type CloneReport, cloneReport } from "../../common/trial/report.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { toLong } from "../../proto/service.ts";
import { bootGuest, makeDisk } from "../../test/support/guest.ts";
import { needsGuest } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { runTrial } from "./run-trial.ts";
import { markedProcesses } from "./sweep.ts";
import type { TrialPoint } from "./template.ts";
import { capturePoint } from "./testing.ts";
import { Trials } from "./trials.ts";

const MIB = 2 ** 20;

describe("runTrial", needsGuest(), () => {
	let resources: AsyncDisposableStack;
	let folder: string;
	let trials: Trials;
	let point: TrialPoint;
	let diskFloor = 2 ** 26;

	before(async () => {
		resources = new AsyncDisposableStack();
		const temp = resources.use(await tempFolder());
		const disk = await makeDisk(temp.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 1 });
		await using guest = await bootGuest({ folder: temp.file("vm"), disks: [disk], memoryMb: 160 });
		await guest.run("dd if=/dev/urandom of=/mnt/kept bs=64k count=16; sync");
		// So that clones read their disks as long as they run.
		await guest.run(
			"(while :; do echo 3 > /proc/sys/vm/drop_caches; md5sum /mnt/kept; sleep 0.2; done) >/dev/null 2>&1 &",
		);
		point = await capturePoint(guest, temp.path);
		folder = temp.file("trials");
		const base = { slots: 2, memory: 2048 * MIB, cpuShare: 1, cgroup: `umbra-test-${process.pid}`, disk: 2 ** 30 };
		const limits = {
			...base,
			get diskFloor() {
				return diskFloor;
			},
		};
		trials = resources.use(await Trials.open({ folder, limits, log: silentLogger() }));
	});
	after(async () => await resources.disposeAsync());

	async function run(
		clones: number,
		durationMs: number,
		more: Partial<Pick<TrialPoint, "disks" | "ram">> & { readonly tell?: (report: CloneReport) => Promise<void> } = {},
	): Promise<CloneReport[]> {
		const reports: CloneReport[] = [];
		await runTrial({
			trials,
			order: { clones, durationMs: toLong(durationMs), profiles: [], probes: new Uint8Array() },
			point: { ...point, disks: more.disks ?? point.disks, ram: more.ram ?? point.ram },
			tell: more.tell ?? (async (report) => void reports.push(cloneReport.parse(report))),
			log: silentLogger(),
			signal: new AbortController().signal,
		});
		return reports.sort((one, other) => one.index - other.index);
	}

	/** The point's disks, that are seen to be read and may become damaged. */
	function watched() {
		let reads = 0;
		const disks = {
			isDamaged: false,
			sources: new Map<string, BlockSource>(),
			/** Its guest reads again and again; QEMU itself looks at the beginning only. */
			busy: async () => await until(() => reads > 20, { what: "the clone reads its disk" }),
		};
		for (const [id, source] of point.disks) {
			disks.sources.set(id, {
				size: source.size,
				name: source.name,
				read: async (...range) => {
					reads++;
					if (disks.isDamaged) throw new UmbraError("corrupt", "chunk 12ab is damaged");
					return await source.read(...range);
				},
				extents: (...range) => source.extents(...range),
				[Symbol.asyncDispose]: async () => undefined,
			});
		}
		return disks;
	}

	/** QEMU's processes of clones that run. */
	async function running(): Promise<number[]> {
		const found = markedProcesses(folder).map(async ({ pid }) => {
			const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
			return command.startsWith("qemu-system") ? [pid] : [];
		});
		return (await Promise.all(found)).flat();
	}

	it("tells of one clone that cannot be made as lost, and goes on with the others", async () => {
		// No clone is made before that.
		const isTaken = Promise.withResolvers<void>();
		const read: BlockSource["read"] = async (...range) => {
			await isTaken.promise;
			return await point.ram.read(...range);
		};
		const running = run(4, 1000, { ram: { ...point.ram, read } });
		const [template = ""] = await until(
			async () => {
				const found = await readdir(folder);
				return found.length > 0 ? found : undefined;
			},
			{ what: "there is a template" },
		);
		// The folder of the second clone is taken.
		await mkdir(join(folder, template, "c1"));
		isTaken.resolve();
		const reports = await running;
		assert.deepEqual(
			reports.map(({ index, outcome }) => [index, outcome]),
			[0, 1, 2, 3].map((index) => [index, index === 1 ? "lost" : "survived"]),
			JSON.stringify(reports.map(({ notes }) => notes)),
		);
		assert.match(reports[1]?.notes[0] ?? "", /^lost: .*EEXIST/);
	});

	it("ends with what the collector answers, and runs no trial a second time for it", async () => {
		const told: number[] = [];
		const tell = async ({ index }: CloneReport) => {
			told.push(index);
			throw new UmbraError("limit", "the report is too long");
		};
		await assert.rejects(run(4, 1000, { tell }), { code: "limit", message: "the report is too long" });
		assert.deepEqual([...new Set(told)].sort(), told.sort());
	});

	it("tells of clones whose disks could not be read as lost, and not as failed", async () => {
		const disks = watched();
		const work = run(1, 60_000, { disks: disks.sources });
		await disks.busy();
		disks.isDamaged = true;
		const [report] = await work;
		assert.equal(report?.outcome, "lost");
		assert.match(report?.notes[0] ?? "", /^lost: .*could not be read: chunk 12ab is damaged/);
		assert.deepEqual([report?.failures, report?.failedMs], [[], null]);
	});

	it("tells of a clone that was killed as lost, and not as failed", async () => {
		const disks = watched();
		const work = run(1, 60_000, { disks: disks.sources });
		await disks.busy();
		for (const pid of await running()) process.kill(pid, "SIGKILL");
		const [report] = await work;
		assert.equal(report?.outcome, "lost");
		assert.match(report?.notes[0] ?? "", /^lost: QEMU was killed by something on this host/);
		assert.deepEqual([report?.failures, report?.failedMs], [[], null]);
	});

	it("runs no clones where the filesystem has too little left for other things", async () => {
		const disks = watched();
		const work = run(1, 60_000, { disks: disks.sources });
		await disks.busy();
		diskFloor = 2 ** 50;
		const [report] = await work;
		assert.equal(report?.outcome, "lost");
		assert.match(report?.notes[0] ?? "", /^lost: the filesystem of its disks has .* free, and 1\.0 PiB/);
		await assert.rejects(run(1, 1000), {
			code: "limit",
			message: /no room for .*free, and 1\.0 PiB of it are to stay so/,
		});
		diskFloor = 2 ** 26;
		assert.deepEqual([await readdir(folder), trials.usedSlots, trials.reservedBytes], [[], 0, 0]);
	});
});
