/** Which records a record needs to be there: each was written with it in one batch, or before it, and goes with it. */
import type { ChainRecord } from "./chain.ts";
import { keys, unescapeComponent } from "./keys.ts";
import type { AlertRecord, ChangesetRecord, FileChangeRecord, VmRecord } from "./records.ts";
import type { SignatureRecord, TrialRecord } from "./trial-records.ts";

interface Place {
	readonly vm: string;
	readonly time: string;
}

export function referencesOf(key: string, value: unknown): string[] {
	const [kind = "", ...components] = key.split("/");
	const [first = "", second = "", third = ""] = components.map(unescapeComponent);
	switch (kind) {
		case "vm": {
			const { vm, headTime, headId } = value as VmRecord;
			return [keys.change(vm, headTime), keys.id(headId)];
		}
		case "change": {
			const { vm, time, id, chain, imported, state, fileCount } = value as ChangesetRecord;
			return [
				keys.vm(vm),
				keys.id(id),
				...(chain === undefined ? [] : [keys.link(vm, chain.sequence), keys.chain(vm)]),
				...(imported === undefined ? [] : [keys.imported(vm, time)]),
				...(state === undefined ? [] : [keys.machineState(vm, time)]),
				...(fileCount === 0 ? [] : [keys.fileChange(vm, time, 0), keys.fileChange(vm, time, fileCount - 1)]),
			];
		}
		case "id":
		case "anomaly": {
			const { vm, time } = value as Place;
			return [keys.change(vm, time)];
		}
		case "imported":
		case "machinestate":
		case "hold":
		case "unjudged":
			return [keys.change(first, second)];
		case "filechange": {
			const { path, oldPath = path, via = [] } = value as FileChangeRecord;
			return [...new Set([path, oldPath, ...via])].map((name) => keys.file(first, name, second, Number(third)));
		}
		case "file": {
			const [, , time = "", index = ""] = components;
			return [keys.fileChange(first, time, Number(index))];
		}
		case "chain": {
			const { vm, sequence } = value as ChainRecord;
			return [keys.link(vm, sequence)];
		}
		case "link": {
			const sequence = Number(second);
			return [keys.chain(first), ...(sequence > 1 ? [keys.link(first, sequence - 1)] : [])];
		}
		case "alert": {
			const { vm, time, id, state, undelivered } = value as AlertRecord;
			return [
				keys.vmAlert(vm, time, id),
				...(state === "firing" ? [keys.firing(vm, id)] : []),
				...(undelivered.length > 0 ? [keys.undelivered(time, id)] : []),
			];
		}
		case "vmalert":
			return [keys.alert(second, third)];
		case "firing":
		case "undelivered": {
			const { time, id } = value as { readonly time: string; readonly id: string };
			return [keys.alert(time, id)];
		}
		case "trial": {
			const { time, id, signature } = value as TrialRecord;
			const own = [keys.trialId(id), keys.trialTime(time, id)];
			return signature === null ? own : [...own, keys.signature(signature)];
		}
		case "trialid": {
			const { vm, time } = value as Place;
			return [keys.trial(vm, time, first)];
		}
		case "trialtime": {
			const { vm, time } = value as Place;
			return [keys.trial(vm, time, second)];
		}
		case "signature": {
			const { id, vms } = value as SignatureRecord;
			return vms.map((vm) => keys.vmSignature(vm, id));
		}
		case "vmsignature":
			return [keys.signature(second)];
		case "alias":
			return [keys.signature(value as string)];
		default:
			return [];
	}
}
