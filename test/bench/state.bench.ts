/** Capturing a running guest's RAM and devices: how long it stands still, how fast RAM comes, what it takes in the vault. */
import { stat } from "node:fs/promises";
import { z } from "zod";
import { QmpClient } from "../../agent/hypervisor/qmp.ts";
import { vmPath } from "../../cli/collector-client.ts";
import { messageOf } from "../../common/errors.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { bootGuest, type Guest, makeDisk } from "../support/guest.ts";
import { Site } from "../support/site.ts";
import { until } from "../support/wait.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { median, number, spread } from "./measure.ts";
import { timed, UMBRA } from "./timed.ts";

const MIB = 2 ** 20;
const GUESTS = { small: 512, large: 2048, sparse: 2048 } as const;
const CAPTURES = 11;
const PAUSE_MS = 30;
const SPEED = 0.5;
const STORED = 1.1;
const AGAIN = 0.4;
const NOISE_MIB = 40;
/** Of its memory that a guest fills at first; nearly all, with what its kernel takes. */
const [THIRD, FULL] = [1 / 3, 0.88];
/** So much of a guest's memory, most of it noise, which is as good as what is compressed or encrypted. */
const fill = (mib: number, share: number): string =>
	`mount -o remount,size=95% /tmp
	[ -e /tmp/noise ] || dd if=/dev/urandom of=/tmp/noise bs=1M count=${NOISE_MIB} && seq 1 1000000 > /tmp/text &&
	for i in $(seq 2 ${Math.floor((mib * share) / NOISE_MIB)}); do
		[ -e /tmp/noise$i ] || cp /tmp/noise /tmp/noise$i || exit 1
	done`;
const WORK = `(i=0; while :; do i=$((i+1)); echo "$i" > /tmp/count; dd if=/tmp/text of=/tmp/copy bs=64k count=32 conv=notrunc; sleep 0.1; done) > /dev/null 2>&1 &`;
const MIGRATION = z.object({
	status: z.string(),
	"total-time": z.number().optional(),
	ram: z.object({ transferred: z.number() }).optional(),
});

export const stateBench: Bench = { name: "state", programs: ["zstd"], run };

/** By QEMU's own account: bytes of its stream, and how long they took. */
interface Migration {
	readonly bytes: number;
	readonly ms: number;
}

interface Capture extends Migration {
	/** STOP to RESUME. */
	readonly pauseMs: number;
	/** From the order to the answer. */
	readonly wholeMs: number;
}

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	await using stack = new AsyncDisposableStack();
	say("booting guests of 512 MB and 2 GB, and one that is migrated");
	const guests: Record<string, Guest> = {};
	const monitors: Record<string, QmpClient> = {};
	/** Has this guest alone run. */
	const alone = async (name: string): Promise<QmpClient> => {
		for (const [other, monitor] of Object.entries(monitors)) await monitor.execute(other === name ? "cont" : "stop");
		return monitors[name] as QmpClient;
	};
	for (const [name, mib] of [...Object.entries(GUESTS), ["bare", GUESTS.small] as const]) {
		const path = folder.file(`${name}.sock`);
		const disk = await makeDisk(folder.file(`${name}.qcow2`), { sizeBytes: 64 * MIB, format: "qcow2", seed: mib });
		const extraArgs = ["-qmp", `unix:${path},server=on,wait=off`];
		const guest = stack.use(await bootGuest({ folder: folder.file(name), disks: [disk], memoryMb: mib, extraArgs }));
		await inGuest(guest, `${fill(mib, THIRD)}\n${WORK}`);
		guests[name] = guest;
		monitors[name] = stack.use(await QmpClient.connect(path));
	}
	const sockets = Object.keys(GUESTS).map((name) => (guests[name] as Guest).qmpSocket);
	const agent = { log: "warn", vms: [{ match: "sparse", preallocateRam: false }] } as const;
	const site = stack.use(await Site.start({ folder: folder.path, sockets, agent }));
	for (const vm of Object.keys(GUESTS)) await site.capture(vm);
	const stored = async () => (await site.client.get<{ storedBytes: number }>("/v1/vault/stats")).storedBytes;
	/** Captures are answered when they are in the spool. */
	const arrived = async (vm: string, count: number) =>
		await until(async () => (await site.changes(vm)).filter(({ state }) => state !== undefined).length >= count, {
			what: "states in the catalog",
			timeoutMs: 120_000,
		});

	say("the first and the second capture of the 512 MB guest, beside zstd of the stream");
	const small: Capture[] = [];
	const sizes = [await stored()];
	for (let at = 1; at <= 2; at++) {
		small.push(await capture(site, "small", await alone("small")));
		await arrived("small", at);
		sizes.push(await stored());
	}
	const [before = 0, first = 0, second = 0] = sizes;
	const [oldest] = (await site.changes("small")).filter(({ state }) => state !== undefined).slice(-1);
	const stream = folder.file("stream");
	await timed([UMBRA, "state", "export", `small@${oldest?.time}`, stream], { env: { UMBRA_COLLECTOR: site.apiUrl } });
	await runProgram("zstd", ["-q", "-3", "-k", stream, "-o", `${stream}.zst`]);
	const zstd = (await stat(`${stream}.zst`)).size;

	say("captures, and as often migrations into cat");
	const cat: Migration[] = [];
	const background: Migration[] = [];
	for (let at = small.length; at < CAPTURES; at++) {
		cat.push(await migrate(await alone("bare"), folder.file("cat"), false));
		background.push(await migrate(await alone("bare"), folder.file("cat"), true));
		small.push(await capture(site, "small", await alone("small")));
		await arrived("small", at + 1);
	}
	const capturedAll = async (vm: string, before = 0): Promise<readonly Capture[]> => {
		const captures: Capture[] = [];
		while (captures.length < CAPTURES) {
			captures.push(await capture(site, vm, await alone(vm)));
			await arrived(vm, before + captures.length);
		}
		return captures;
	};
	say("captures of a 2 GB guest");
	const large = await capturedAll("large");
	say("captures of a 2 GB guest whose RAM is not preallocated");
	const sparse = await capturedAll("sparse");
	say("captures of a 2 GB guest with its memory full");
	await alone("large");
	await inGuest(guests["large"] as Guest, fill(GUESTS.large, FULL));
	const full = await capturedAll("large", large.length);

	const filled = "a third of its memory filled";
	const pauses = [
		["512 MB", small, filled],
		["2 GB, all of it in use", full, "all of its memory filled, as that of a machine is which has run for a while"],
		["2 GB, most of it never written to", large, filled],
		["2 GB, most of it never written to, `preallocateRam: false`", sparse, filled],
	] as const;
	const speed = (of: readonly Migration[]) => median(of.map(({ bytes, ms }) => bytes / MIB / (ms / 1000)));
	const speeds = { ours: speed(small), large: speed(large), cat: speed(cat), background: speed(background) };
	const compressed = (first - before) / zstd;
	const again = (second - first) / (first - before);
	return [
		...pauses.map(
			([what, captures, memory]): Row => ({
				figure: `guest pause at a state capture, ${what}`,
				target: captures === sparse ? "-" : `<= ${PAUSE_MS} ms`,
				measured: `${number(median(captures.map(({ pauseMs }) => pauseMs)))} ms`,
				met: captures === sparse ? undefined : median(captures.map(({ pauseMs }) => pauseMs)) <= PAUSE_MS,
				how: `A running guest with one disk, ${memory}, that writes to memory all the time, captured ${CAPTURES} times; time stamps of QEMU's own STOP and RESUME events, as a second monitor sees them: ${spread(
					captures.map(({ pauseMs }) => pauseMs),
					"ms",
				)}. From the order to the answer: ${spread(
					captures.map(({ wholeMs }) => wholeMs),
					"ms",
				)}.`,
			}),
		),
		{
			figure: "RAM captured, against the same snapshot into `cat > file`",
			target: `>= ${SPEED} x`,
			measured: `${number(speeds.ours / speeds.background)} x (${number(speeds.ours)} of ${number(speeds.background)} MiB/s)`,
			met: speeds.ours / speeds.background >= SPEED,
			how: `Guests of 512 MB of the same make, in turns, the others stopped; bytes of the stream and the time from the order to its end, by QEMU's own account. Ours is split, hashed and spooled as it comes, while the guest goes on. The 2 GB guest: ${number(speeds.large)} MiB/s.`,
		},
		{
			figure: "RAM captured, against an ordinary migration into `cat > file`",
			target: "-",
			measured: `${number(speeds.ours / speeds.cat)} x (${number(speeds.ours)} of ${number(speeds.cat)} MiB/s)`,
			met: undefined,
			how: "As above; an ordinary migration ends with the guest stopped, and protects no page from being written. What QEMU 7.2 needs for that is most of the difference.",
		},
		{
			figure: "a state in the vault, against `zstd -3` of the stream",
			target: `<= ${STORED} x`,
			measured: `${number(compressed)} x (${number((first - before) / MIB)} of ${number(zstd / MIB)} MiB)`,
			met: compressed <= STORED,
			how: "The first state of the 512 MB guest, with what its disk changed until then, against `zstd -3` of the very stream, exported.",
		},
		{
			figure: "the second state of the same guest, against the first",
			target: `<= ${AGAIN} x`,
			measured: `${number(again)} x (${number((second - first) / MIB)} of ${number((first - before) / MIB)} MiB)`,
			met: again <= AGAIN,
			how: "Growth of the vault, a few seconds later; the guest rewrites 2 MiB of memory ten times a second.",
		},
	];
}

async function inGuest(guest: Guest, script: string): Promise<void> {
	const { code, output } = await guest.run(script, { timeoutMs: 300_000 });
	if (code !== 0) throw new Error(`the guest could not fill its memory: ${output}`);
}

async function capture(site: Site, vm: string, monitor: QmpClient): Promise<Capture> {
	const times: { stop?: bigint; resume?: bigint } = {};
	const ignore = monitor.onEvent(({ event, timeNs }) => {
		if (event === "STOP") times.stop ??= timeNs;
		if (event === "RESUME") times.resume ??= timeNs;
	});
	const start = performance.now();
	await site.client.post(vmPath(vm, "capture"), { state: "true" });
	const wholeMs = performance.now() - start;
	await until(() => times.stop !== undefined && times.resume !== undefined, { what: "STOP and RESUME" });
	ignore();
	const pauseMs = Number((times.resume ?? 0n) - (times.stop ?? 0n)) / 1e6;
	return { pauseMs, wholeMs, ...(await told(monitor)) };
}

/** The guest's whole state into a file: of the end, in the ordinary way, or of the beginning, as captures have it. */
async function migrate(monitor: QmpClient, path: string, background: boolean): Promise<Migration> {
	const capability = { capability: "background-snapshot", state: background };
	await monitor.execute("migrate-set-capabilities", { capabilities: [capability] });
	await monitor.execute("migrate-set-parameters", { "max-bandwidth": 2 ** 40 });
	await monitor.execute("migrate", { uri: `exec:cat > '${path}'` });
	const result = await until(
		async () =>
			MIGRATION.parse(await monitor.execute("query-migrate")).status === "completed" ? told(monitor) : undefined,
		{ what: "the migration", timeoutMs: 60_000 },
	);
	// Some moments after it has completed QEMU still takes down what it had set up for it.
	const goOn = () =>
		monitor.execute("cont").then(
			() => true,
			(error: unknown) => /not finalized/.test(messageOf(error)) || Promise.reject(error),
		);
	await until(async () => (await goOn()) && (await isRunning(monitor)), { what: "the guest goes on" });
	return result;
}

async function isRunning(monitor: QmpClient): Promise<boolean> {
	return ((await monitor.execute("query-status")) as { running?: boolean }).running === true;
}

async function told(monitor: QmpClient): Promise<Migration> {
	const { ram, "total-time": ms } = MIGRATION.parse(await monitor.execute("query-migrate"));
	if (ram === undefined || ms === undefined) throw new Error("QEMU does not say how long it took");
	return { bytes: ram.transferred, ms };
}
