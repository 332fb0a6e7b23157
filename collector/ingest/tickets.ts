/**
 * What an agent may read of the vault: points for which it was given a ticket with an order. A ticket is a number that
 * nobody guesses; the point stays whole while it holds, whatever is dropped meanwhile.
 */
import { randomBytes } from "node:crypto";
import { blockCount, nameFromHex } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { ChangesetRecord, StatePart } from "../catalog/records.ts";
import type { VaultStore } from "../vault/chunk-store.ts";
import type { DiskTree } from "../vault/tree.ts";

const TICKET_BYTES = 32;

export interface TicketedPoint {
	readonly point: ChangesetRecord;
	readonly disks: ReadonlyMap<string, DiskTree>;
	/** Empty where only disks were captured. */
	readonly parts: ReadonlyMap<StatePart, DiskTree>;
}

/** Until it is disposed of, whoever shows `bytes` may read the point. */
export interface Ticket extends Disposable {
	readonly bytes: Uint8Array;
}

export class PointTickets {
	readonly #store: Pick<VaultStore, "pin">;
	readonly #points = new Map<string, TicketedPoint>();

	constructor(store: Pick<VaultStore, "pin">) {
		this.#store = store;
	}

	issue(point: ChangesetRecord): Ticket {
		const tree = ({ root, sizeBytes }: { readonly root: string; readonly sizeBytes: number }): DiskTree => {
			return { root: nameFromHex(root), blocks: blockCount(sizeBytes) };
		};
		const disks = new Map(point.disks.map((disk) => [disk.disk, tree(disk)]));
		const parts = new Map(
			Object.entries(point.state?.parts ?? {}).map(([part, told]) => [part as StatePart, tree(told)]),
		);
		const bytes = randomBytes(TICKET_BYTES);
		const key = bytes.toString("hex");
		const pin = this.#store.pin([...disks.values(), ...parts.values()]);
		this.#points.set(key, { point, disks, parts });
		return {
			bytes,
			[Symbol.dispose]: () => {
				if (this.#points.delete(key)) pin[Symbol.dispose]();
			},
		};
	}

	/** @throws UmbraError `denied` for a ticket that does not hold. */
	find(ticket: Uint8Array | null | undefined): TicketedPoint {
		const found = this.#points.get(Buffer.from(ticket ?? new Uint8Array()).toString("hex"));
		if (found !== undefined) return found;
		throw new UmbraError("denied", "no such ticket: the order that it came with is over, or never was");
	}
}
