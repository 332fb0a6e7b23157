/** What the API shows of records: what is known of them now, or less than all. */
import type { AgentRecord, ChangesetRecord, DiskRecord, Severity, VmRecord } from "../catalog/records.ts";
import type { SignatureRecord, TrialRecord } from "../catalog/trial-records.ts";
import type { AgentTable } from "../ingest/agents.ts";
import type { AgentStatus, Heartbeat, VmStatus } from "../ingest/heartbeat.ts";
import type { KeepReason } from "../retention/policy.ts";
import { MITIGATIONS } from "../signature/mitigations.ts";

export interface VmView extends VmRecord {
	readonly connected: boolean;
	readonly stale: boolean;
	/** Of its agent's newest heartbeat. */
	readonly status: VmStatus | null;
}

export interface PointView
	extends Pick<
		ChangesetRecord,
		"id" | "vm" | "time" | "consistency" | "captureMs" | "pauseMs" | "fileCount" | "imported" | "state"
	> {
	readonly disks: readonly Pick<DiskRecord, "disk" | "sizeBytes" | "root" | "mode" | "changedBytes">[];
	readonly score: number | null;
	readonly severity: Severity | null;
}

export interface AgentView extends AgentRecord {
	readonly connected: boolean;
	readonly stale: boolean;
	readonly heartbeat: Heartbeat | null;
}

/** What retention decided about a point. */
export interface DecisionView {
	readonly time: string;
	/** Empty: it goes. */
	readonly reasons: readonly KeepReason[];
}

/** A trial without what it is long by. */
export interface TrialView extends Omit<TrialRecord, "profile" | "probes" | "levers"> {
	/** Name of its profile; null of a control. */
	readonly profile: string | null;
}

export interface SignatureView extends Omit<SignatureRecord, "mitigation"> {
	/** `by` and `time` are null where it is what is said of the type. */
	readonly mitigation: { readonly text: string; readonly by: string | null; readonly time: string | null };
}

export function vmView(record: VmRecord, agents: AgentTable): VmView {
	const agent = agents.status(record.agentId);
	const status = agent?.heartbeat?.vms.find(({ vm }) => vm === record.vm) ?? null;
	return { ...record, connected: agent !== undefined, stale: agent?.stale ?? false, status };
}

/** A point without what the changeset says of it. */
export function pointView(changeset: ChangesetRecord): PointView {
	const { id, vm, time, imported, state, consistency, captureMs, pauseMs, fileCount, verdict } = changeset;
	return {
		id,
		vm,
		time,
		consistency,
		captureMs,
		pauseMs,
		fileCount,
		disks: changeset.disks.map(({ disk, sizeBytes, root, mode, changedBytes }) => ({
			disk,
			sizeBytes,
			root,
			mode,
			changedBytes,
		})),
		score: verdict?.score ?? null,
		severity: verdict?.severity ?? null,
		...(imported === undefined ? {} : { imported }),
		...(state === undefined ? {} : { state }),
	};
}

export function agentView(record: AgentRecord, live: AgentStatus | undefined): AgentView {
	return { ...record, connected: false, stale: false, heartbeat: null, ...live, firstSeen: record.firstSeen };
}

export function trialView({ profile, probes: _probes, levers: _levers, ...trial }: TrialRecord): TrialView {
	return { ...trial, profile: profile?.name ?? null };
}

export function signatureView(signature: SignatureRecord): SignatureView {
	return {
		...signature,
		mitigation: signature.mitigation ?? { text: MITIGATIONS[signature.type], by: null, time: null },
	};
}
