/** The vault against restic and borg: ten points of a real guest's disk, the same images for all. */
import { mkdir, readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { vmPath } from "../../cli/collector-client.ts";
import { followEvents } from "../../cli/events.ts";
import type { ChangesetRecord } from "../../collector/catalog/records.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { bootGuest } from "../support/guest.ts";
import { Site } from "../support/site.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { median, number } from "./measure.ts";
import { timed, UMBRA } from "./timed.ts";

const MIB = 2 ** 20;
const DISK_BYTES = 2048 * MIB;
const POINTS = 10;
/** Points that go, before the space is given back. */
const FORGOTTEN = 5;
const ADD_RATIO = 10;
const VM = "backup";

export const backupBench: Bench = { name: "backup", programs: ["restic", "borg"], run };

type Tool = "umbra" | "restic" | "borg";
type Figures = Record<Tool, number>;

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	await using stack = new AsyncDisposableStack();
	const disk = folder.file(`${VM}.raw`);
	const image = folder.file("image.raw");
	await truncate(disk, DISK_BYTES).catch(async () => await runProgram("truncate", ["-s", String(DISK_BYTES), disk]));
	await runProgram("mke2fs", ["-q", "-F", "-t", "ext4", "-J", "size=16", "-d", "/usr/share", disk]);
	const guest = stack.use(await bootGuest({ folder: folder.file(VM), disks: [{ path: disk, format: "raw" }] }));
	const site = stack.use(
		await Site.start({
			folder: folder.path,
			sockets: [guest.qmpSocket],
			agent: { log: "warn" },
			collector: { log: "warn" },
		}),
	);
	const repositories = { restic: folder.file("restic"), borg: folder.file("borg") };
	const env = {
		RESTIC_REPOSITORY: repositories.restic,
		RESTIC_PASSWORD: "bench",
		RESTIC_CACHE_DIR: folder.file("restic-cache"),
		BORG_REPO: repositories.borg,
		BORG_BASE_DIR: folder.file("borg-base"),
		BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes",
		UMBRA_COLLECTOR: site.apiUrl,
	};
	const seconds = async (...command: readonly string[]): Promise<number> => (await timed(command, { env })).seconds;
	await seconds("restic", "init");
	await seconds("borg", "init", "--encryption=none");

	await inGuest(BEFORE);
	say(
		`${POINTS} points of a guest's disk with ${number((await storedIn(disk)) / MIB)} MiB of data: umbra, restic, borg`,
	);
	const adding: Record<Tool, number[]> = { umbra: [], restic: [], borg: [] };
	const times: string[] = [];
	const changed: number[] = [];
	let name = "";
	const stop = new AbortController();
	stack.defer(() => stop.abort());
	const told = followEvents(site.client, { vm: VM, type: "changeset" }, { signal: stop.signal, note: say });
	await told.next(); // It is connected.
	for (let point = 0; point < POINTS; point++) {
		if (point > 0) await inGuest(hourOfWork(point));
		const start = performance.now();
		const { changesetId } = await site.client.post<{ changesetId: string }>(vmPath(VM, "capture"));
		// It is told when it is in the catalog and on the disk.
		const changeset = (await told.next()).value?.data as ChangesetRecord;
		if (changeset.id !== changesetId) throw new Error(`changeset ${changeset.id} came, wanted ${changesetId}`);
		const took = (performance.now() - start) / 1000;
		times.push(changeset.time);
		name = changeset.disks[0]?.disk ?? "";
		// What the guest's disk holds now, as a file that nobody writes to.
		await runProgram("cp", ["--sparse=always", disk, image]);
		const restic = await seconds("restic", "backup", "--quiet", image);
		const borg = await seconds("borg", "create", `::point-${point}`, image);
		if (point === 0) continue;
		changed.push(changeset.disks.reduce((sum, { changedBytes }) => sum + changedBytes, 0));
		adding.umbra.push(took);
		adding.restic.push(restic);
		adding.borg.push(borg);
	}
	const add = { umbra: median(adding.umbra), restic: median(adding.restic), borg: median(adding.borg) };
	const stored: Figures = {
		umbra: await storedIn(join(site.folder, "collector")),
		restic: await storedIn(repositories.restic),
		borg: await storedIn(repositories.borg),
	};

	say(
		`adding took ${number(add.umbra)} s, theirs ${number(add.restic)} and ${number(add.borg)}; restoring the last point`,
	);
	const restore: Record<Tool, number[]> = { umbra: [], restic: [], borg: [] };
	const unsynced: Record<"restic" | "borg", number[]> = { restic: [], borg: [] };
	for (let round = 0; round < 3; round++) {
		const out = folder.file("restored");
		await mkdir(out);
		restore.umbra.push(await seconds(UMBRA, "restore", `${VM}@latest`, name, join(out, "umbra.raw")));
		const restic = await seconds("restic", "restore", "latest", "--target", join(out, "restic"));
		unsynced.restic.push(restic);
		restore.restic.push(restic + (await seconds("sync", join(out, "restic", image))));
		const borgOut = join(out, "borg");
		await mkdir(borgOut);
		const borg = await seconds(
			...["sh", "-c", `cd "$1" && exec borg extract --sparse "::point-${POINTS - 1}"`, "sh", borgOut],
		);
		unsynced.borg.push(borg);
		restore.borg.push(borg + (await seconds("sync", join(borgOut, image))));
		for (const copy of [join(out, "umbra.raw"), join(out, "restic", image), join(borgOut, image)]) {
			await runProgram("cmp", [copy, image]);
			await rm(copy);
		}
		await rm(out, { recursive: true });
	}

	say(
		`restoring took ${number(median(restore.umbra))} s, theirs ${number(median(restore.restic))} and ${number(median(restore.borg))}, without sync ${number(median(unsynced.restic))} and ${number(median(unsynced.borg))}; checking, giving back space`,
	);
	const check = await inTurns(5, {
		umbra: () => seconds(UMBRA, "vault", "check"),
		restic: () => seconds("restic", "check", "--quiet"),
		borg: () => seconds("borg", "check", "--repository-only"),
	});
	const read = await inTurns(3, {
		umbra: () => seconds(UMBRA, "vault", "check", "--read-data"),
		restic: () => seconds("restic", "check", "--quiet", "--read-data"),
		borg: () => seconds("borg", "check", "--verify-data"),
	});
	await seconds(UMBRA, "forget", ...times.slice(0, FORGOTTEN).map((time) => `${VM}@${time}`));
	await seconds("restic", "forget", "--quiet", "--keep-last", String(POINTS - FORGOTTEN));
	await seconds("borg", "prune", "--keep-last", String(POINTS - FORGOTTEN));
	const gc: Figures = {
		umbra: await seconds(UMBRA, "vault", "gc", "--grace", "0s"),
		restic: await seconds("restic", "prune", "--quiet"),
		borg: await seconds("borg", "compact"),
	};
	// Nothing that is needed went with it.
	await seconds(UMBRA, "restore", `${VM}@latest`, name, folder.file("last.raw"));
	await runProgram("cmp", [folder.file("last.raw"), image]);

	const setting = `A running Linux guest with ext4 on a raw disk of ${DISK_BYTES / MIB} MiB: this machine's /usr/share and a database of 256 MiB; ${POINTS} points, between which pages of the database, logs and new files change (${number(median(changed) / MIB)} MiB in the median, ${number((median(changed) / DISK_BYTES) * 100)} %). restic ${await versionOf("restic", ["version"])} and borg ${await versionOf("borg", ["--version"])} get a copy of the image at the same path, in the page cache; restic encrypts, as it always does, borg does not; both compress as they do by default. Whole commands`;
	const restored = { umbra: median(restore.umbra), restic: median(restore.restic), borg: median(restore.borg) };
	return [
		{
			...compare("adding a point, against restic and borg", add, "s", ADD_RATIO),
			how: `${setting}; of ours, from asking for a capture until the collector tells by an event that the changeset is in its catalog. Medians of the ${POINTS - 1} points after the first.`,
		},
		{
			...compare("stored bytes of ten points, against restic and borg", inMib(stored), "MiB", 1),
			how: "The same points: all files below the collector's data folder, catalog and all, and below the repositories.",
		},
		{
			...compare("restore of the last point, against restic and borg", restored, "s", 1),
			how: `The same points, to a raw file, a sparse one but with restic, compared with the image afterwards; medians of 3 in turns. Ours checks every block and the disk's Merkle root, and is on the disk when it ends; theirs are followed by \`sync\` of the file, without which they took ${number(median(unsynced.restic))} and ${number(median(unsynced.borg))} s.`,
		},
		{
			...compare("check of the structure, against restic and borg", check, "s", 1),
			how: "`umbra vault check`, `restic check`, `borg check --repository-only`; medians of 5 in turns.",
		},
		{
			...compare("check that reads every byte, against restic and borg", read, "s", 1),
			how: "`umbra vault check --read-data`, `restic check --read-data`, `borg check --verify-data`; medians of 3 in turns.",
		},
		{
			...compare("giving back space, against restic and borg", gc, "s", 1),
			how: `${FORGOTTEN} points forgotten before; \`umbra vault gc --grace 0s\`, \`restic prune\`, \`borg compact\`, once each; the last point is restored and compared afterwards.`,
		},
	];

	async function inGuest(script: string): Promise<void> {
		const { code, output } = await guest.run(`cd /mnt && ${script}\nsync`, { timeoutMs: 300_000 });
		if (code !== 0) throw new Error(`the guest could not do its work: ${output}`);
	}
}

/** Medians of so many rounds, a tool after the other in each. */
async function inTurns(rounds: number, tools: Record<Tool, () => Promise<number>>): Promise<Figures> {
	const taken: Record<Tool, number[]> = { umbra: [], restic: [], borg: [] };
	for (let round = 0; round < rounds; round++) {
		for (const tool of ["umbra", "restic", "borg"] as const) taken[tool].push(await tools[tool]());
	}
	return { umbra: median(taken.umbra), restic: median(taken.restic), borg: median(taken.borg) };
}

/** Ours against the better of the others: how many times less it has to be. */
function compare(figure: string, figures: Figures, unit: string, ratio: number): Omit<Row, "how"> {
	const { umbra, restic, borg } = figures;
	const found = Math.min(restic, borg) / umbra;
	return {
		figure,
		target: `>= ${ratio} x`,
		measured: `${number(found)} x (${number(umbra)} ${unit}; restic ${number(restic)}, borg ${number(borg)})`,
		met: found >= ratio,
	};
}

function inMib({ umbra, restic, borg }: Figures): Figures {
	return { umbra: umbra / MIB, restic: restic / MIB, borg: borg / MIB };
}

/** Allocated bytes of a file or of all files below a folder. */
async function storedIn(path: string): Promise<number> {
	const about = await stat(path);
	if (!about.isDirectory()) return about.blocks * 512;
	let bytes = 0;
	for (const name of await readdir(path)) bytes += await storedIn(join(path, name));
	return bytes;
}

async function versionOf(program: string, args: readonly string[]): Promise<string> {
	return /\d+(?:\.\d+)+/.exec(await runProgram(program, args))?.[0] ?? "?";
}

const BEFORE = `{
mkdir -p srv/db var/log home
dd if=/dev/urandom of=srv/db/random bs=1M count=128 2>/dev/null
i=0; while [ $i -lt 16 ]; do dd if=/dev/urandom bs=64k count=64 2>/dev/null | base64; i=$((i + 1)); done > srv/db/text
}`;

/** About 1 % of the disk. */
function hourOfWork(hour: number): string {
	return `{
i=0; while [ $i -lt 60 ]; do
  dd if=/dev/urandom of=srv/db/random bs=8192 count=4 seek=$(( (${hour} * 7919 + i * 613) % 16000 )) conv=notrunc 2>/dev/null
  i=$((i + 1))
done
dd if=/dev/urandom bs=64k count=64 2>/dev/null | base64 > home/report-${hour}
dd if=/dev/urandom of=home/photo-${hour} bs=1M count=8 2>/dev/null
yes "2026-01-05T${hour}:00:00Z web[512]: GET /orders/4711 200 12ms 10.0.0.17 Mozilla/5.0" | head -n 20000 >> var/log/access.log
}`;
}
