/** For the tests of levers: two clones of one guest, one of them to be stressed, and what is seen in it and from outside. */
import { silentLogger } from "../../../common/log.ts";
import type { LeverName } from "../../../common/trial/levers.ts";
import type { LeverValues } from "../../../common/trial/schedule.ts";
import { bootGuest, type DiskInterface, makeDisk } from "../../../test/support/guest.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import type { Clone } from "../clone.ts";
import { echoPeer } from "../network/echo-peer.ts";
import { Segment } from "../network/segment.ts";
import type { Template } from "../template.ts";
import { CloneShell, capturePoint, testLimits } from "../testing.ts";
import { Trials } from "../trials.ts";
import { LEVERS } from "./levers.ts";

const MIB = 2 ** 20;
export const MEMORY_MB = 192;

export interface Stressed {
	readonly clone: Clone;
	readonly shell: CloneShell;
	/** Of the same template, and left alone. */
	readonly sibling: CloneShell;
}

/** A guest that was captured while it ran, of which clones are made. */
export class StressGuest implements AsyncDisposable {
	readonly #resources: AsyncDisposableStack;
	readonly #template: Template;

	private constructor(template: Template, resources: AsyncDisposableStack) {
		this.#template = template;
		this.#resources = resources;
	}

	/** With disks at these buses ("disk0", ...; mounted at /mnt, /mnt1, ...), two vCPUs, a balloon and a network card "net0". */
	static async capture(buses: readonly DiskInterface[]): Promise<StressGuest> {
		await using resources = new AsyncDisposableStack();
		const temp = resources.use(await tempFolder());
		const disks = [];
		for (const [at, bus] of buses.entries()) {
			const path = temp.file(`disk${at}.qcow2`);
			const made = await makeDisk(path, { sizeBytes: 64 * MIB, format: "qcow2", seed: at });
			disks.push({ ...made, interface: bus });
		}
		await using guest = await bootGuest({
			folder: temp.file("vm"),
			disks,
			memoryMb: MEMORY_MB,
			modules: ["virtio_balloon", "virtio_net"],
			extraArgs: [
				...["-smp", "2", "-device", "virtio-balloon-pci,id=balloon"],
				...["-netdev", "user,id=n0", "-device", "virtio-net-pci,id=net0,netdev=n0"],
			],
		});
		await guest.run("ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2");
		const mounts = buses.map((_, at) => `/mnt${at === 0 ? "" : at}`);
		await guest.run(mounts.map((mount) => `dd if=/dev/zero of=${mount}/scratch bs=64k count=64`).join("; "));
		await guest.run("sync; echo 3 > /proc/sys/vm/drop_caches");
		const point = await capturePoint(guest, temp.path);
		const trials = resources.use(
			await Trials.open({
				folder: temp.file("trials"),
				limits: testLimits(2, 2048),
				log: silentLogger(),
			}),
		);
		const template = resources.use(await trials.prepare(point, new AbortController().signal));
		return new StressGuest(template, resources.move());
	}

	/** Two clones that run; the second is asked in the end whether it still does. */
	async run(work: (stressed: Stressed) => Promise<void>): Promise<void> {
		const make = () => this.#template.clone({ segment: new Segment({ peers: [echoPeer()] }) });
		await using clone = await make();
		await using sibling = await make();
		await clone.start();
		await sibling.start();
		const stressed = { clone, shell: new CloneShell(clone), sibling: new CloneShell(sibling) };
		await work(stressed);
		if ((await stressed.sibling.run("echo well; dmesg -c >/dev/null")) !== "well\n")
			throw new Error("the sibling is not well");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#resources.disposeAsync();
	}
}

const never = new AbortController().signal;

/** Sets a lever, sees that it holds, and takes it back after `work`. What `apply` told. */
export async function withLever(
	{ clone }: Pick<Stressed, "clone">,
	name: LeverName,
	values: LeverValues,
	work: (change: (values: LeverValues) => Promise<void>) => Promise<void> = async () => undefined,
): Promise<LeverValues> {
	const lever = LEVERS[name]({ clone, guest: undefined });
	const set = async (wanted: LeverValues) => {
		const told = await lever.apply({ values: wanted, seed: 7, signal: never });
		await lever.verify(never);
		return told;
	};
	const told = await set(values);
	await work(async (changed) => void (await set(changed)));
	await lever.revert(never);
	return told;
}

/** Milliseconds that a script took, by the host's clock. */
export async function timed(shell: CloneShell, script: string): Promise<number> {
	const begun = performance.now();
	await shell.run(script);
	return performance.now() - begun;
}

/** Measures again and again until it is as wanted, as it may be otherwise where this host stands still for a while. */
export async function comesTo(measure: () => Promise<number>, isWanted: (value: number) => boolean): Promise<number> {
	const found: number[] = [];
	const wanted = async () => {
		const value = await measure();
		found.push(value);
		return isWanted(value) ? value : undefined;
	};
	return await until(wanted, { what: "it is as wanted", timeoutMs: 60_000 }).catch((error: unknown) => {
		throw new Error(`it was ${found.join(", ")}`, { cause: error });
	});
}

/** As `timed`, once it took less than that. */
export async function quickly(shell: CloneShell, script: string, belowMs: number): Promise<number> {
	return await comesTo(
		() => timed(shell, script),
		(ms) => ms < belowMs,
	);
}

/** The answers to pings, in milliseconds, as the guest saw them. */
export async function pings(shell: CloneShell, count: number, more = ""): Promise<number[]> {
	// It waits as long as the slowest answer took, by a time that the answer carries: a flipped bit makes that an hour.
	const said = await shell.run(`timeout 25 ping -c ${count} -W 3 ${more} 10.0.2.2`);
	return [...said.matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => Number(ms));
}

/** Waits for a ping that is answered so soon. */
export async function answersWithin(shell: CloneShell, ms: number): Promise<void> {
	const isSoon = async () => (await pings(shell, 1)).some((each) => each < ms);
	await until(isSoon, { what: `a ping is answered in less than ${ms} ms`, timeoutMs: 60_000 });
}

/** The answers to some pings, of which at least one came. */
export async function answeredPings(shell: CloneShell, count: number): Promise<number[]> {
	const answers = async () => {
		const found = await pings(shell, count);
		return found.length > 0 ? found : undefined;
	};
	return await until(answers, { what: "a ping is answered", timeoutMs: 60_000 });
}
