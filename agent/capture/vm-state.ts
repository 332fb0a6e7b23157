/**
 * What the agent must remember of a VM between two captures, and what that makes of the next one.
 *
 * A disk is captured in one of three modes: *first* (nothing is known: all of it counts), *tracked* (the
 * hypervisor recorded what was written) or *resync* (the record was lost: everything allocated is hashed
 * again and compared with the block index). Whatever is lost, one of the three is right:
 *
 *     known blocks | usable token | size as before || mode
 *     no           | any          | any            || first
 *     yes          | yes          | yes            || tracked
 *     yes          | yes          | no             || resync
 *     yes          | no           | any            || resync
 */
import { z } from "zod";
import { UmbraError } from "../../common/errors.ts";
import type { SnapshotDisk } from "../hypervisor/hypervisor.ts";
import { type AgentDb, type AgentOperation, encodeKey } from "./block-index.ts";

const diskShape = z.strictObject({
	/** Bytes. */
	size: z.number(),
	token: z.string(),
});

const shape = z.strictObject({
	/** The last changeset that was made final; the next one builds upon it. Empty: on nothing. */
	headId: z.string(),
	/** Unix nanoseconds, decimal. */
	headTime: z.string(),
	disks: z.record(z.string(), diskShape),
	/** Of the newest capture that had RAM and devices; Unix nanoseconds, decimal. */
	stateTime: z.string().optional(),
});

export type VmState = z.output<typeof shape>;
export type CaptureMode = "first" | "tracked" | "resync";

export const NEW_VM: VmState = { headId: "", headTime: "0", disks: Object.create(null) };

export async function loadVmState(db: AgentDb, vm: string): Promise<VmState> {
	const bytes = await db.get(encodeKey("vm", vm));
	if (bytes === undefined) return NEW_VM;
	const result = shape.safeParse(parseJson(Buffer.from(bytes).toString()));
	// Without a prototype: a disk may be called "constructor".
	if (result.success) return { ...result.data, disks: Object.assign(Object.create(null), result.data.disks) };
	throw new UmbraError("corrupt", `the agent's state of VM ${vm} is not what it should be: ${result.error.message}`, {
		hint: "stop the agent, remove its data folder, start it: every VM is then captured anew",
	});
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

export function vmStateOperation(vm: string, state: VmState): AgentOperation {
	return { type: "put", key: encodeKey("vm", vm), value: Buffer.from(JSON.stringify(state)) };
}

/** The mode of one disk, and why it is not tracked (empty when it is). */
export function captureMode(
	state: VmState,
	disk: SnapshotDisk,
): { readonly mode: CaptureMode; readonly reason: string } {
	const known = state.disks[disk.disk.id];
	if (state.headId === "") return { mode: "first", reason: "no earlier capture" };
	if (known === undefined) return { mode: "first", reason: "new disk" };
	if (disk.tracking.kind === "lost") return { mode: "resync", reason: disk.tracking.reason };
	if (known.size !== disk.disk.size) {
		return { mode: "resync", reason: `the disk was resized from ${known.size} to ${disk.disk.size} bytes` };
	}
	return { mode: "tracked", reason: "" };
}
