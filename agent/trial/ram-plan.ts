/**
 * Which blocks of RAM the clones of a template share. Each has a memory backend of its own; what has none (firmware, video
 * memory) is small, and every clone loads it with its devices.
 */
import type { MachineConfiguration } from "../hypervisor/hypervisor.ts";
import type { StateShape } from "../state/state.ts";
import type { SharedRam } from "./clone-plan.ts";
import { cannot } from "./devices.ts";
import { OptionSet } from "./option-set.ts";

/** The name of its block of RAM is that of the object alone, without where QEMU keeps objects. */
const PLAIN_ID = "x-use-canonical-path-for-ramblock-id";

/**
 * @returns what is shared, that of the machine itself first, and the ids of the backends that the machine was given.
 * @throws UmbraError `unsupported`.
 */
export function planRam(
	{
		machine,
		stream,
	}: { readonly machine: Pick<MachineConfiguration, "memory">; readonly stream: Pick<StateShape, "ram"> },
	given: readonly (readonly [string, string])[],
): { readonly ram: readonly SharedRam[]; readonly backends: ReadonlySet<string> } {
	const { blocks } = stream.ram;
	const ram: SharedRam[] = [];
	const backends = new Set<string>();
	for (const [option, value] of given) {
		if (option !== "-object") continue;
		const object = OptionSet.parse(value, "qom-type");
		const type = object.get("qom-type") ?? "";
		if (!type.startsWith("memory-backend-")) continue;
		const id = object.get("id") ?? "";
		const block = blocks.find(({ name }) => name === id || name === `/objects/${id}`);
		if (!/^memory-backend-(?:ram|memfd|file)$/.test(type) || block === undefined) {
			throw cannot(`-object ${type},id=${id}`, "its contents are not in the state");
		}
		backends.add(id);
		ram.push({
			block: block.name,
			backend: id,
			size: block.size,
			offset: block.offset,
			options: [`${PLAIN_ID}=${block.name === id ? "off" : "on"}`],
		});
	}
	const total = ram.reduce((sum, { size }) => sum + size, 0);
	if (ram.length === 0) {
		const own = blocks.find(({ name, size }) => size === machine.memory.base && !name.includes("/"));
		if (own === undefined) throw cannot("its RAM", `no block of ${machine.memory.base} bytes is in the state`);
		const { name, size, offset } = own;
		ram.push({ block: name, backend: name, size, offset, options: [`${PLAIN_ID}=off`] });
	} else if (total < machine.memory.base + machine.memory.plugged) {
		throw cannot("its RAM", "a part of it was plugged in while the machine ran");
	}
	if (machine.memory.plugged > 0 && backends.size === 0) {
		throw cannot("its RAM", "a part of it was plugged in while the machine ran");
	}
	return { ram, backends };
}
