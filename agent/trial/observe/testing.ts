/** For the tests of observation: a real guest of which clones are made, and one of these observed. */
import { silentLogger } from "../../../common/log.ts";
import type { Probe } from "../../../common/trial/probes.ts";
import { parseBatch } from "../../../common/trial/profile.ts";
import type { ProbeResult } from "../../../common/trial/report.ts";
import { bootGuest, makeDisk } from "../../../test/support/guest.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import type { Clone } from "../clone.ts";
import { echoPeer } from "../network/echo-peer.ts";
import { Segment } from "../network/segment.ts";
import type { Template } from "../template.ts";
import { CloneShell, capturePoint, testLimits } from "../testing.ts";
import { Trials } from "../trials.ts";
import type { AskedGuest } from "./asks.ts";
import { Observer } from "./observer.ts";

const MIB = 2 ** 20;
export const GUEST_ADDRESS = "10.0.2.15";

/** A machine with what there is to be seen: a disk at /mnt, a network with a web server, a screen, a balloon. */
export async function makeTemplate(resources: AsyncDisposableStack, vcpus: number = 1): Promise<Template> {
	const temp = resources.use(await tempFolder());
	const disk = await makeDisk(temp.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 1 });
	const guest = await bootGuest({
		folder: temp.file("vm"),
		disks: [disk],
		memoryMb: 160,
		modules: ["virtio_balloon", "virtio_net"],
		extraArgs: [
			...["-device", "virtio-balloon-pci,id=balloon", "-device", "VGA,vgamem_mb=8"],
			...["-smp", String(vcpus)],
			...["-netdev", "user,id=n0", "-device", "virtio-net-pci,id=net0,netdev=n0", "-device", "i6300esb"],
		],
	});
	await using running = guest;
	const { code, output } = await running.run(
		[
			`ip addr add ${GUEST_ADDRESS}/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2`,
			"mkdir /tmp/www; echo well > /tmp/www/index.html; httpd -p 80 -h /tmp/www",
			"echo 8 > /proc/sys/kernel/printk; echo 1 > /proc/sys/kernel/sysrq; echo 0 > /proc/sys/kernel/panic",
		].join("\n"),
	);
	if (code !== 0) throw new Error(output);
	const point = await capturePoint(running, temp.path);
	const trials = resources.use(
		await Trials.open({
			folder: temp.file("trials"),
			limits: testLimits(2, 2048),
			log: silentLogger(),
		}),
	);
	return resources.use(await trials.prepare(point, new AbortController().signal));
}

export interface Observed extends AsyncDisposable {
	readonly clone: Clone;
	readonly observer: Observer;
	readonly shell: CloneShell;
	/** Has a script run that is not expected to end. */
	tell(script: string): void;
}

export interface ObserveOptions {
	/** As in a batch's file. */
	readonly probes?: string;
	readonly guest?: AskedGuest;
	readonly quietMs?: number;
	readonly usualMs?: Readonly<Record<string, number>>;
}

/** A clone that runs. */
export async function observe(template: Template, options: ObserveOptions = {}): Promise<Observed> {
	const segment = new Segment({ peers: [echoPeer()] });
	const clone = await template.clone({ segment });
	const over = new AbortController();
	const observer = await Observer.start({
		...{ clone, segment, guest: options.guest, probes: probesOf(options.probes ?? "") },
		...{ origin: performance.now(), durationMs: 600_000, quietMs: options.quietMs ?? 0 },
		...(options.usualMs === undefined ? {} : { usualMs: options.usualMs }),
		...{ log: silentLogger(), signal: over.signal },
	});
	const shell = new CloneShell(clone);
	await clone.start();
	const port = clone.channels.find(({ name }) => name === "umbra.shell");
	const tell = (script: string) => port?.write(`1 ${Buffer.byteLength(script)}\n${script}`);
	const dispose = async () => {
		// Where a test failed before it stopped the observer.
		over.abort();
		await clone[Symbol.asyncDispose]();
	};
	return { clone, observer, shell, tell, [Symbol.asyncDispose]: dispose };
}

/** How a probe fared so far. */
export function probeOf(observer: Observer, wanted: string): ProbeResult {
	const found = observer.probes.find(({ name }) => name === wanted);
	if (found === undefined) throw new Error(`no probe ${wanted}`);
	return found;
}

/** Waits until a probe is as wanted once more, whatever it was before. */
export async function answersAgain(observer: Observer, name: string): Promise<void> {
	const answered = () => probeOf(observer, name).asked - probeOf(observer, name).failed;
	const before = answered();
	await until(() => answered() > before, { what: `${name} answers`, timeoutMs: 60_000 });
}

export function probesOf(lines: string): readonly Probe[] {
	const text = `vm: any\nprofiles: [{ name: p, duration: 10m, phases: [] }]\nprobes: [${lines.replaceAll("\t", "  ")}]\n`;
	return parseBatch(text, "probes").probes;
}
