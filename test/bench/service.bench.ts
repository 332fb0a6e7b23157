/** What the users of a production VM notice of trials: the longest time that its service gives no answer, while its state is captured and clones of it are made. */
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { markedProcesses } from "../../agent/trial/sweep.ts";
import { vmPath } from "../../cli/collector-client.ts";
import type { BatchView } from "../../collector/trial/batch.ts";
import { bootGuest, makeDisk } from "../support/guest.ts";
import { Site } from "../support/site.ts";
import { until } from "../support/wait.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { median, number, spread } from "./measure.ts";

const MIB = 2 ** 20;
const MEMORY_MB = 512;
const EVERY_MS = 10;
const ROUNDS = 10;
const CLONES = 3;
const RUN_SECONDS = 5;
const GAP_MS = 100;
/** Where the guest's service is reached from its host. */
const PORT = 17_007;

export const serviceBench: Bench = { name: "service", programs: ["perl", "setpriv"], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	await using stack = new AsyncDisposableStack();
	say("a guest with a service that is asked every 10 ms");
	const disk = await makeDisk(folder.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 1 });
	const forward = `user,id=n0,hostfwd=tcp:127.0.0.1:${PORT}-10.0.2.15:7`;
	const guest = stack.use(
		await bootGuest({
			...{ folder: folder.file("vm"), disks: [disk], memoryMb: MEMORY_MB, modules: ["virtio_net"] },
			extraArgs: ["-netdev", forward, "-device", "virtio-net-pci,netdev=n0"],
		}),
	);
	const fill = "dd if=/dev/urandom of=/tmp/a bs=64k count=256; for i in $(seq 8); do cat /tmp/a > /tmp/a$i; done";
	const { code, output } = await guest.run(
		`${fill}; ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; (nc -ll -p 7 -e cat > /dev/null 2>&1 &)`,
		{ timeoutMs: 300_000 },
	);
	if (code !== 0) throw new Error(`the guest has no service: ${output}`);
	const site = stack.use(
		await Site.start({
			folder: folder.path,
			sockets: [guest.qmpSocket],
			agent: {
				log: "warn",
				trials: { slots: CLONES, memory: "4GiB", cpuShare: 0.5, cgroup: `umbra-bench-${process.pid}` },
			},
		}),
	);
	await site.capture("vm");
	const trials = join(site.folder, "agent", "trials");
	const service = stack.use(await Service.connect());

	say(`${ROUNDS} times undisturbed, and ${ROUNDS} state captures`);
	const states = async () => (await site.changes("vm")).filter(({ state }) => state !== undefined).length;
	const [quiet, captured]: [number[], number[]] = [[], []];
	for (let round = 0; round < ROUNDS; round++) {
		let tookMs = 0;
		const during = await service.longestGap(async () => {
			const begun = performance.now();
			await site.client.post(vmPath("vm", "capture"), { state: "true" });
			await until(async () => (await states()) > round, { what: "the state is in the catalog", timeoutMs: 120_000 });
			tookMs = performance.now() - begun;
		});
		captured.push(during);
		quiet.push(await service.longestGap(() => sleep(tookMs)));
	}

	say(`${ROUNDS} batches of ${CLONES} clones`);
	const [made, running]: [number[], number[]] = [[], []];
	for (let round = 0; round < ROUNDS; round++) {
		let id = "";
		made.push(
			await service.longestGap(async () => {
				const query = { clones: CLONES, seconds: RUN_SECONDS };
				({ id } = await site.client.post<BatchView>(vmPath("vm", "trials"), query));
				await until(() => clonesRun(trials), { what: "all clones run", timeoutMs: 120_000 });
			}),
		);
		running.push(
			await service.longestGap(async () => {
				await until(async () => (await site.client.get<BatchView>(`/v1/trial-batches/${id}`)).state !== "running", {
					what: "the batch is over",
					timeoutMs: 120_000,
				});
			}),
		);
	}
	const row = (what: string, gaps: readonly number[], how: string, isPromised: boolean): Row => ({
		figure: `longest gap of a VM's service ${what}`,
		target: isPromised ? `<= ${GAP_MS} ms` : "-",
		measured: `${number(Math.max(...gaps))} ms (${number(Math.max(...quiet))} ms undisturbed)`,
		met: isPromised ? Math.max(...gaps) <= GAP_MS : undefined,
		how: `${how} Longest in each of ${ROUNDS}: ${spread(gaps, "ms")}, the largest counts; as long undisturbed: ${spread(quiet, "ms")}.`,
	});
	const asked = `An emulated guest of ${MEMORY_MB} MB on the two cores of this machine, whose service echoes a byte every ${EVERY_MS} ms; the time between two answers.`;
	return [
		row("while its state is captured", captured, `${asked} From the order until the state is in the collector.`, true),
		row("while clones of it are made", made, `From the order until ${CLONES} clones run on the same host.`, true),
		row(
			"while clones of it run",
			running,
			`${CLONES} emulated clones for ${RUN_SECONDS} s beside it, with half of the processors (median ${number(median(running))} ms).`,
			false,
		),
	];
}

/** And the process that keeps their memory. */
function clonesRun(folder: string): boolean {
	return markedProcesses(folder).length >= CLONES + 1;
}

/** A connection on which one byte after the other is echoed. */
class Service implements Disposable {
	readonly #socket: Socket;
	readonly #timer: NodeJS.Timeout;
	#last = performance.now();
	#longest = 0;

	private constructor(socket: Socket) {
		this.#socket = socket;
		socket.setNoDelay(true);
		socket.on("data", () => {
			const now = performance.now();
			this.#longest = Math.max(this.#longest, now - this.#last);
			this.#last = now;
		});
		this.#timer = setInterval(() => void socket.write("x"), EVERY_MS);
	}

	static async connect(): Promise<Service> {
		return await until(
			async () => {
				const socket = connect(PORT, "127.0.0.1");
				socket.on("error", () => undefined);
				const answered = new Promise<boolean>((resolve) => {
					socket.once("data", () => resolve(true));
					socket.once("close", () => resolve(false));
				});
				socket.write("x");
				if (await Promise.race([answered, sleep(2000).then(() => false)])) return new Service(socket);
				socket.destroy();
				return undefined;
			},
			{ what: "the service answers", timeoutMs: 60_000, intervalMs: 200 },
		);
	}

	/** Milliseconds, while `work` lasts. */
	async longestGap(work: () => Promise<unknown>): Promise<number> {
		this.#last = performance.now();
		this.#longest = 0;
		await work();
		return Math.max(this.#longest, performance.now() - this.#last);
	}

	[Symbol.dispose](): void {
		clearInterval(this.#timer);
		this.#socket.destroy();
	}
}
