/** What agents do, without the network: blocks change, are offered and brought, and some time later submitted. */
import assert from "node:assert/strict";
import { BLOCK_SIZE } from "../../common/block.ts";
import { toLong, v1, type wire } from "../../proto/service.ts";
import { STAGE_FILES } from "../catalog/catalog.ts";
import { serveSubmit } from "../ingest/submit.ts";
import { fileChange } from "../ingest/test-agent.ts";
import { blockOf, type Change, CONTENTS, contentAt, type GuestDisk, nameOf, PLACES, SIZES } from "./contents.ts";
import { GRACE_MS } from "./machine.ts";
import type { ModelDisk, ModelPoint, ModelVm } from "./model.ts";
import type { World } from "./world.ts";

const MINUTE = 60_000_000_000n;
/** File changes in one part. */
const PART_FILES = 600;
const MAX_ATTEMPTS = 4;

const { SUBMIT_STATUS_ACCEPTED, SUBMIT_STATUS_BASE_UNKNOWN, SUBMIT_STATUS_DUPLICATE, SUBMIT_STATUS_MISSING } =
	v1.SubmitStatus;
const { CAPTURE_MODE_FIRST, CAPTURE_MODE_TRACKED } = v1.CaptureMode;
type Part = wire.v1.ChangesetPart.$Properties;

export class Agent {
	readonly #world: World;
	readonly #disks = new Map<string, Map<string, GuestDisk>>();

	/** @param disks by VM. */
	constructor(world: World, disks: Readonly<Record<string, readonly string[]>>) {
		this.#world = world;
		for (const { name } of world.vms) {
			const empty = (): GuestDisk => ({ blocks: SIZES[0]!, contents: new Map() });
			this.#disks.set(name, new Map(disks[name]!.map((disk) => [disk, empty()])));
		}
	}

	async capture(vm: ModelVm): Promise<void> {
		const { random, counts, machine } = this.#world;
		const point = this.#take(vm);
		let base = random.chance(0.05) ? undefined : vm.head;
		for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
			const changes = this.#changes(point, base);
			await this.#upload(changes);
			await this.#world.linger();
			if (random.chance(0.3)) machine.now += random.below(3 * GRACE_MS);
			// Until it is answered nobody knows whether it is there.
			vm.maybe.add(point);
			const { status, message } = await this.#submit(point, base, changes);
			if (status === SUBMIT_STATUS_ACCEPTED || status === SUBMIT_STATUS_DUPLICATE) {
				vm.acknowledge(point);
				counts.points++;
				if (random.chance(0.1)) await this.#repeat(vm, point, base, changes);
				return;
			}
			vm.maybe.delete(point);
			if (status === SUBMIT_STATUS_MISSING) counts.missing++;
			else {
				assert.equal(status, SUBMIT_STATUS_BASE_UNKNOWN, message ?? "");
				counts.baseUnknown++;
				base = undefined;
			}
		}
	}

	/** An agent that did not hear the answer sends it again: it is there, unless the VM was forgotten meanwhile. */
	async #repeat(
		vm: ModelVm,
		point: ModelPoint,
		base: ModelPoint | undefined,
		changes: readonly Change[],
	): Promise<void> {
		const { status, message } = await this.#submit(point, base, changes);
		if (status === SUBMIT_STATUS_DUPLICATE) this.#world.counts.duplicates++;
		else assert.ok(vm.going.has(point), message ?? "");
	}

	/** What stands on the VM's disks after some writes. */
	#take(vm: ModelVm): ModelPoint {
		const { random, counts } = this.#world;
		const disks = new Map<string, ModelDisk>();
		for (const [name, disk] of this.#disks.get(vm.name)!) {
			this.#write(disk);
			disks.set(name, { blocks: disk.blocks, contents: new Map(disk.contents) });
		}
		this.#world.time += random.pick([1n, 20n, 90n, 1000n, 4000n]) * MINUTE;
		// Some have so many files that not all fit into one batch.
		const isStaged = random.chance(0.01);
		if (isStaged) counts.staged++;
		const files = Array.from({ length: isStaged ? STAGE_FILES + 200 : random.below(4) }, (_, at) => `/f${at}`);
		const id = `c${this.#world.nextId()}`;
		return { vm: vm.name, id, time: this.#world.time, disks, files, isHeld: false, isJudged: false };
	}

	#write(disk: GuestDisk): void {
		const { random } = this.#world;
		if (random.chance(0.1)) {
			disk.blocks = random.pick(SIZES);
			for (const place of disk.contents.keys()) if (place >= disk.blocks) disk.contents.delete(place);
		}
		for (let count = random.below(6); count > 0; count--) {
			const place = random.pick(PLACES);
			const content = random.chance(0.2) ? 0 : 1 + random.below(CONTENTS);
			if (place >= disk.blocks) continue;
			if (content === 0) disk.contents.delete(place);
			else disk.contents.set(place, content);
		}
	}

	/** Every block that is not as in the base, and some that are: an agent may name those too. */
	#changes({ disks }: ModelPoint, base: ModelPoint | undefined): Change[] {
		return [...disks].flatMap(([disk, { blocks, contents }]) => {
			const before = base?.disks.get(disk)?.contents;
			return PLACES.filter((place) => place < blocks).flatMap((place) => {
				const content = contentAt(contents, place);
				const isNamed = content !== contentAt(before, place) || this.#world.random.chance(0.1);
				return isNamed ? [{ disk, place, content }] : [];
			});
		});
	}

	async #upload(changes: readonly Change[]): Promise<void> {
		const { vault } = this.#world.machine.store;
		for (const { content } of changes) {
			if (vault.has(nameOf(content))) continue;
			await vault.putPlain(blockOf(content).data);
			await this.#world.turn();
		}
		await vault.flush();
	}

	async #submit(
		point: ModelPoint,
		base: ModelPoint | undefined,
		changes: readonly Change[],
	): Promise<wire.v1.SubmitResult.$Properties> {
		const context = this.#world.machine.store.ingest(() => this.#world.time);
		return await serveSubmit(this.#parts(point, base, changes), context, new AbortController().signal);
	}

	async *#parts(point: ModelPoint, base: ModelPoint | undefined, changes: readonly Change[]): AsyncGenerator<Part> {
		const { vm, id, time, files } = point;
		const disks = [...point.disks].map(([disk, { blocks }]) => {
			const isTracked = base?.disks.has(disk) === true;
			const mode = isTracked ? CAPTURE_MODE_TRACKED : CAPTURE_MODE_FIRST;
			return { disk, sizeBytes: toLong(blocks * BLOCK_SIZE), mode };
		});
		const of = { id, vm, agentId: "agent", host: "host", baseId: base?.id ?? "" };
		yield { header: { ...of, timeNs: toLong(time), sequence: toLong(1), disks } };
		for (const { disk, place, content } of changes) {
			if (this.#world.random.chance(0.1)) await this.#world.linger();
			yield { blocks: { disk, firstBlock: toLong(place), names: nameOf(content) } };
		}
		const [disk = ""] = point.disks.keys();
		for (let at = 0; at < files.length; at += PART_FILES) {
			const some = files.slice(at, at + PART_FILES).map((path) => fileChange(path));
			yield { files: { disk, volume: "1", files: some } };
		}
		await this.#world.linger();
	}
}
