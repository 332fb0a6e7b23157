/**
 * For tests: packs in memory, on a disk that crashes. What was written but not synced may be lost from any byte on, as
 * after a power cut; what was created, removed or synced stays so. From the crash on, every call fails, like those of a
 * process that is gone; `restart` gives the disk to the next one.
 */
import { UmbraError } from "../../common/errors.ts";
import type { PackAppender, PackInfo, PackStore } from "./pack-store.ts";

interface MemoryPack {
	bytes: Buffer;
	synced: number;
}

export class MemoryDisk {
	readonly packs = new Map<number, MemoryPack>();
	/** Bytes that all packs together may hold. */
	space = Number.POSITIVE_INFINITY;
	/** Called before everything that changes the disk; what it throws is what the disk says. */
	before: (what: "create" | "append" | "sync" | "cut" | "remove", pack: number) => void = () => undefined;
	/** Waited for before every call, so that others get their turn in between. */
	pause: (what: "sync" | "other", pack: number) => Promise<void> = async () => undefined;

	get used(): number {
		return this.packs.values().reduce((sum, { bytes }) => sum + bytes.length, 0);
	}

	/** The disk as the next process finds it. `keep` says how much of what was not synced reached it, 0 to 1. */
	crash(keep: () => number): void {
		for (const pack of this.packs.values()) {
			const length = pack.synced + Math.round((pack.bytes.length - pack.synced) * keep());
			pack.bytes = Buffer.from(pack.bytes.subarray(0, length));
			pack.synced = length;
		}
	}
}

export class MemoryPackStore implements PackStore {
	readonly #disk: MemoryDisk;
	#isGone = false;

	constructor(disk: MemoryDisk) {
		this.#disk = disk;
	}

	/** The process is killed: whatever it still does has no effect. */
	kill(): void {
		this.#isGone = true;
	}

	async list(): Promise<PackInfo[]> {
		await this.#disk.pause("other", 0);
		this.#alive();
		return [...this.#disk.packs].map(([id, { bytes }]) => ({ id, bytes: bytes.length })).sort((a, b) => a.id - b.id);
	}

	async create(id: number): Promise<PackAppender> {
		await this.#disk.pause("other", id);
		this.#change("create", id);
		if (this.#disk.packs.has(id)) throw new UmbraError("conflict", `pack ${id} exists`);
		const pack = { bytes: Buffer.alloc(0), synced: 0 };
		this.#disk.packs.set(id, pack);
		return this.#appender(id, pack);
	}

	async resume(id: number, length: number): Promise<PackAppender> {
		await this.#disk.pause("other", id);
		const pack = this.#find(id);
		this.#change("cut", id);
		pack.bytes = Buffer.from(pack.bytes.subarray(0, length));
		pack.synced = Math.min(pack.synced, length);
		return this.#appender(id, pack);
	}

	async read(id: number, offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
		signal?.throwIfAborted();
		await this.#disk.pause("other", id);
		const { bytes } = this.#find(id);
		if (offset + length > bytes.length) {
			throw new UmbraError("truncated", `pack ${id} ends at ${bytes.length}`, { context: { offset: bytes.length } });
		}
		return Buffer.from(bytes.subarray(offset, offset + length));
	}

	async remove(id: number): Promise<void> {
		await this.#disk.pause("other", id);
		this.#change("remove", id);
		this.#disk.packs.delete(id);
	}

	async [Symbol.asyncDispose](): Promise<void> {}

	#appender(id: number, pack: MemoryPack): PackAppender {
		const sync = async () => {
			// What is written while the sync runs may or may not be covered.
			const { length } = pack.bytes;
			await this.#disk.pause("sync", id);
			this.#change("sync", id);
			pack.synced = Math.max(pack.synced, Math.min(length, pack.bytes.length));
		};
		return {
			append: async (bytes) => {
				await this.#disk.pause("other", id);
				this.#change("append", id);
				if (this.#disk.used + bytes.length > this.#disk.space) throw new UmbraError("limit", "the disk is full");
				pack.bytes = Buffer.concat([pack.bytes, bytes]);
			},
			sync,
			cut: async (length) => {
				await this.#disk.pause("other", id);
				this.#change("cut", id);
				pack.bytes = Buffer.from(pack.bytes.subarray(0, length));
				pack.synced = Math.min(pack.synced, length);
			},
			seal: sync,
			[Symbol.asyncDispose]: async () => undefined,
		};
	}

	#find(id: number): MemoryPack {
		this.#alive();
		const pack = this.#disk.packs.get(id);
		if (pack === undefined) throw new UmbraError("not-found", `there is no pack ${id}`);
		return pack;
	}

	#change(what: Parameters<MemoryDisk["before"]>[0], pack: number): void {
		this.#alive();
		this.#disk.before(what, pack);
		this.#alive();
	}

	#alive(): void {
		if (this.#isGone) throw new UmbraError("unavailable", "the process is gone");
	}
}
