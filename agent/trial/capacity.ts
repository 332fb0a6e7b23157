/**
 * How much of this host trials may take, and what they have taken. What is given out is what a clone may come to need, not
 * what it starts with: production machines are never to feel that a clone grew.
 */
import { UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";
import { KernelTree } from "../proc/tree.ts";

/** What QEMU itself takes beside the guest's RAM, code that it translated included. */
export const OVERHEAD_BYTES: number = 160 * 2 ** 20;
/** Left to the host whatever the settings say. */
const HOST_BYTES = 512 * 2 ** 20;

export interface CapacityLimits {
	/** Clones at the same time. */
	readonly slots: number;
	/** All templates and clones together. */
	readonly memoryBytes: number;
}

interface Share {
	bytes: number;
	/** Of it in use already, which the host counts as taken. */
	used: () => number;
}

export interface Reservation extends Disposable {
	/** Less is needed than was thought, and `used` says how much of it is in use. */
	settle(used: () => number, bytes?: number): void;
}

export class Capacity {
	readonly limits: CapacityLimits;
	readonly #availableBytes: () => number;
	readonly #shares = new Set<Share>();
	#slots = 0;

	constructor(limits: CapacityLimits, availableBytes: () => number = memoryAvailable) {
		this.limits = limits;
		this.#availableBytes = availableBytes;
	}

	get usedSlots(): number {
		return this.#slots;
	}

	get reservedBytes(): number {
		return [...this.#shares].reduce((sum, { bytes }) => sum + bytes, 0);
	}

	/** @throws UmbraError `limit` where there is no slot or no memory. */
	reserve(what: string, bytes: number, slots: 0 | 1): Reservation {
		const { limits } = this;
		if (this.#slots + slots > limits.slots) {
			throw new UmbraError("limit", `no room for ${what}: all ${limits.slots} slots of this host are taken`, {
				context: { field: "trials.slots", found: this.#slots, wanted: limits.slots },
			});
		}
		const reserved = this.reservedBytes;
		if (reserved + bytes > limits.memoryBytes) {
			const left = formatBytes(Math.max(0, limits.memoryBytes - reserved));
			throw new UmbraError(
				"limit",
				`no room for ${what}: it may come to need ${formatBytes(bytes)}, and ${left} of the ${formatBytes(limits.memoryBytes)} for trials are left`,
				{ context: { field: "trials.memory", found: reserved + bytes, wanted: limits.memoryBytes } },
			);
		}
		const promised = [...this.#shares].reduce((sum, share) => sum + Math.max(0, share.bytes - share.used()), 0);
		const free = this.#availableBytes() - promised - HOST_BYTES;
		if (bytes > free) {
			throw new UmbraError(
				"limit",
				`no room for ${what}: it may come to need ${formatBytes(bytes)}, and the host can spare ${formatBytes(Math.max(0, free))}`,
				{ context: { structure: "MemAvailable", found: free, wanted: bytes } },
			);
		}
		const share: Share = { bytes, used: () => 0 };
		this.#shares.add(share);
		this.#slots += slots;
		let isOpen = true;
		return {
			settle: (used, less = share.bytes) => {
				share.used = used;
				share.bytes = Math.min(share.bytes, less);
			},
			[Symbol.dispose]: () => {
				if (!isOpen) return;
				isOpen = false;
				this.#shares.delete(share);
				this.#slots -= slots;
			},
		};
	}
}

/** Bytes that the host can give without swapping. @throws UmbraError `unsupported` where the kernel does not tell. */
function memoryAvailable(): number {
	const text = new KernelTree().text("/proc/meminfo") ?? "";
	const kib = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
	if (kib === undefined) throw new UmbraError("unsupported", "the kernel does not tell how much memory is available");
	return Number(kib) * 1024;
}
