/** The alert of a VM whose points the vault cannot give back whole. Unlike others, it begins and ends with what is stored. */
import { formatTime } from "../../common/units.ts";
import type { AlertRecord, ChangesetRecord, DamagedPlace } from "../catalog/records.ts";
import { DAMAGE } from "./alerts.ts";

const MAX_FILES = 50;

/** What is damaged of one VM. */
export interface VmDamage {
	readonly chunks: number;
	/** The newest first. */
	readonly places: readonly DamagedPlace[];
	readonly files: readonly string[];
}

export interface DamageAlertInput {
	readonly vm: string;
	/** Null where nothing is damaged any more. */
	readonly damage: VmDamage | null;
	/** The newest point that is damaged, where it is there. */
	readonly changeset: ChangesetRecord | undefined;
	/** True where what the VM is now is damaged, not only what it was. */
	readonly isHead: boolean;
	readonly firing: readonly AlertRecord[];
	readonly id: () => string;
	/** Unix nanoseconds. */
	readonly now: string;
	readonly targets: readonly string[];
}

/** The alert that is new or other than it was. */
export function damageAlert(input: DamageAlertInput): AlertRecord | undefined {
	const { vm, damage, changeset, isHead, firing, id, now, targets } = input;
	const known = firing.find(({ cause }) => cause === DAMAGE);
	if (damage === null) {
		if (known === undefined) return undefined;
		return { ...known, state: "resolved", resolvedTime: now, undelivered: [...targets] };
	}
	const severity = isHead ? "critical" : "warning";
	const [place] = damage.places;
	const where = place === undefined ? "" : ` (newest: ${place.disk} of ${formatTime(BigInt(place.time))})`;
	const chunks = `${damage.chunks} ${damage.chunks === 1 ? "chunk" : "chunks"}`;
	const files = damage.files.slice(0, MAX_FILES);
	const told = {
		severity,
		summary: `${vm}: the vault cannot give back ${chunks} that its points need${where}.`,
		files,
		fileCount: damage.files.length,
		features: { damagedChunks: damage.chunks },
	} as const;
	if (known !== undefined) {
		const isSame =
			known.summary === told.summary && known.severity === severity && known.files.join("\n") === files.join("\n");
		if (isSame) return undefined;
		const isWorse = severity === "critical" && known.severity !== "critical";
		return { ...known, ...told, count: known.count + 1, undelivered: isWorse ? [...targets] : known.undelivered };
	}
	return {
		id: id(),
		vm,
		host: changeset?.host ?? "",
		time: now,
		changesetId: changeset?.id ?? "",
		changesetTime: changeset?.time ?? place?.time ?? now,
		state: "firing",
		cause: DAMAGE,
		...told,
		score: 0,
		contributions: [],
		mitigation:
			"The collector asks the VM's agent for what it lost, as far as the VM still has it. `umbra vault damage` lists what is left, `umbra vault check --read-data` looks for more. Look at the disk that the vault lies on before anything else (`dmesg`, `smartctl -a`).",
		count: 1,
		lastSeen: changeset?.time ?? now,
		quiet: 0,
		resolvedTime: null,
		undelivered: [...targets],
	};
}
