/**
 * What lies between a clone's devices and their images, and may be changed while the clone runs: filters that make requests fail
 * (*faults*), and under them the image itself, or a line on which its answers come late (delay-line.ts). Each change is one
 * `blockdev-reopen` of the filter on top, for which QEMU lets requests that are under way end first.
 */
import { UmbraError } from "../../../common/errors.ts";
import { type BlockNode, childOf, queryDevices, queryNodes } from "../../hypervisor/block-graph.ts";
import { throttled } from "../arguments.ts";
import type { Clone } from "../clone.ts";
import type { PlannedDisk } from "../clone-plan.ts";

/** Deeper is not what is built here. */
const MAX_DEPTH = 16;

/** A filter over an image: what `blockdev-add` takes, but for its name and what is below it. */
export type Fault = Readonly<Record<string, unknown>>;

interface Below {
	/** The node that the device is plugged into. */
	filter: string;
	/** The image, or the line to it. */
	base: string;
	/** By whom it was put there; from the image upwards. */
	readonly faults: Map<object, { readonly fault: Fault; nodes: readonly string[] }>;
}

export class CloneDisks {
	static readonly #known = new WeakMap<Clone, CloneDisks>();
	readonly #clone: Clone;
	readonly #below = new Map<PlannedDisk, Below>();
	/** Lines on which answers are late now, and have to be let go before QEMU waits for all of them. */
	readonly #hurries = new Set<() => Disposable>();
	#turn: Promise<unknown> = Promise.resolve();
	#next = 0;

	private constructor(clone: Clone) {
		this.#clone = clone;
		for (const disk of clone.plan.disks) {
			this.#below.set(disk, { filter: disk.filter, base: disk.node["node-name"], faults: new Map() });
		}
	}

	static of(clone: Clone): CloneDisks {
		const known = CloneDisks.#known.get(clone) ?? new CloneDisks(clone);
		CloneDisks.#known.set(clone, known);
		return known;
	}

	/** One by its name, or all. @throws UmbraError `bad-config` for a name that none has, `unsupported` where there are none. */
	select(name: string | number | undefined): readonly PlannedDisk[] {
		const { disks } = this.#clone.plan;
		const names = disks.map(({ disk }) => disk).join(", ");
		if (disks.length === 0) throw new UmbraError("unsupported", "the machine has no disk");
		if (name === undefined) return disks;
		const found = disks.filter(({ disk }) => disk === name);
		if (found.length > 0) return found;
		throw new UmbraError("bad-config", `the machine has no disk ${name}; it has ${names}`, {
			context: { field: "disk", found: name, wanted: names },
		});
	}

	/** Puts a fault of `owner` over the disk, in place of the one before; undefined takes it away. @throws UmbraError `unavailable`. */
	async setFault(disk: PlannedDisk, owner: object, fault: Fault | undefined): Promise<void> {
		await this.exclusively(async () => {
			const { faults } = this.#of(disk);
			const before = faults.get(owner);
			if (before === undefined && fault === undefined) return;
			const wanted = new Map([...faults].map(([who, each]) => [who, each.fault]));
			if (fault === undefined) wanted.delete(owner);
			else wanted.set(owner, fault);
			await this.#rebuild(disk, this.#of(disk).base, wanted);
		});
	}

	/** The nodes of `owner`'s fault, if it put one there. */
	nodesOf(disk: PlannedDisk, owner: object): readonly string[] {
		return this.#of(disk).faults.get(owner)?.nodes ?? [];
	}

	/** Puts what is called `base` in the place of the image; within `exclusively`. */
	async setBase(disk: PlannedDisk, base: string): Promise<void> {
		const wanted = new Map([...this.#of(disk).faults].map(([who, each]) => [who, each.fault]));
		await this.#rebuild(disk, base, wanted);
	}

	/** What requests of the disk go through, from the top, as QEMU tells it. */
	async path(disk: PlannedDisk): Promise<readonly BlockNode[]> {
		const nodes = new Map((await queryNodes(this.#clone.qmp)).map((node) => [node.name, node]));
		const path: BlockNode[] = [];
		for (let name: string | undefined = this.#of(disk).filter; name !== undefined && path.length < MAX_DEPTH; ) {
			const node = nodes.get(name);
			if (node === undefined) break;
			path.push(node);
			if (node.driver === "qcow2" || node.driver === "nbd") break;
			name = await childOf(this.#clone.qmp, name, node.driver === "blkdebug" ? "image" : "file");
		}
		return path;
	}

	/** One after another, and with lines let go: whatever has QEMU wait until all requests have ended. */
	async exclusively<T>(work: () => Promise<T>): Promise<T> {
		const done = this.#turn.then(async () => {
			using hurried = new DisposableStack();
			for (const hurry of this.#hurries) hurried.use(hurry());
			return await work();
		});
		this.#turn = done.catch(() => undefined);
		return await done;
	}

	/** `hurry` lets all that waits go until what it gives is disposed of. */
	onHurry(hurry: () => Disposable): () => void {
		this.#hurries.add(hurry);
		return () => this.#hurries.delete(hurry);
	}

	/** Lets a guest go on that stands still because of a failed request, by the policy of its machine. */
	async resume(): Promise<void> {
		const { status } = (await this.#clone.qmp.execute("query-status")) as { status?: string };
		if (status === "io-error") await this.#clone.qmp.execute("cont");
	}

	#of(disk: PlannedDisk): Below {
		const below = this.#below.get(disk);
		if (below === undefined) throw new UmbraError("internal", `${disk.disk} is not a disk of ${this.#clone.name}`);
		return below;
	}

	/** All anew, from the image upwards: a filter's own child cannot be changed. */
	async #rebuild(disk: PlannedDisk, base: string, wanted: ReadonlyMap<object, Fault>): Promise<void> {
		const { qmp } = this.#clone;
		const below = this.#of(disk);
		const old = [...below.faults.values()].reverse().flatMap(({ nodes }) => nodes);
		const made: string[] = [];
		const built = new Map<object, { readonly fault: Fault; nodes: readonly string[] }>();
		let top = base;
		const add = async (node: Fault & { readonly image?: string; readonly file?: string }): Promise<void> => {
			const name = `umbra-x${this.#next++}`;
			await qmp.execute("blockdev-add", { discard: "unmap", ...node, "node-name": name });
			made.unshift(name);
			top = name;
		};
		try {
			for (const [owner, fault] of wanted) {
				const before = made.length;
				await add({ ...fault, driver: "blkdebug", image: top });
				// Tells the filter below of each request before it comes.
				await add({ driver: "raw", file: top });
				built.set(owner, { fault, nodes: made.slice(0, made.length - before) });
			}
			await this.#putUnder(disk, below, top);
		} catch (error) {
			for (const name of made) await qmp.execute("blockdev-del", { "node-name": name }).catch(() => undefined);
			throw error;
		}
		below.base = base;
		below.faults.clear();
		for (const [owner, each] of built) below.faults.set(owner, each);
		for (const name of old) await qmp.execute("blockdev-del", { "node-name": name });
	}

	/** `top` under the filter of the disk's device. */
	async #putUnder(disk: PlannedDisk, below: Below, top: string): Promise<void> {
		const { qmp } = this.#clone;
		try {
			await qmp.execute("blockdev-reopen", { options: [throttled({ ...disk, filter: below.filter }, top)] });
			return;
		} catch (error) {
			if (!/flushing/.test(String(error))) throw error;
		}
		// QEMU flushes a node before it reopens it, which is what a fault may not let it: then there is another filter.
		const device = (await queryDevices(qmp)).find(({ node }) => node === below.filter);
		if (device === undefined) throw new UmbraError("unavailable", `no device is plugged into ${below.filter}`);
		const filter = `umbra-x${this.#next++}`;
		await qmp.execute("blockdev-add", throttled({ ...disk, filter }, top));
		try {
			await qmp.execute("qom-set", { path: device.qomPath, property: "drive", value: filter });
		} catch (error) {
			await qmp.execute("blockdev-del", { "node-name": filter });
			throw error;
		}
		const before = below.filter;
		below.filter = filter;
		// One that was made with its device is gone with that.
		const isLeft = (await queryNodes(qmp)).some(({ name }) => name === before);
		if (isLeft) await qmp.execute("blockdev-del", { "node-name": before });
	}
}
