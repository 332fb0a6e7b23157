/** Bits that flip in a clone's memory, as of a module that fails. Clones share no memory that is written to: only this one has them. */
import { setTimeout as sleep } from "node:timers/promises";
import { UmbraError } from "../../../common/errors.ts";
import { createRandom, type Random } from "../../../common/random.ts";
import type { LeverValues } from "../../../common/trial/schedule.ts";
import type { QmpClient } from "../../hypervisor/qmp.ts";
import type { Clone } from "../clone.ts";
import type { Lever, LeverMove, LeverTarget } from "./lever.ts";
import { type Mapping, TABLE_BYTES, walkPageTables, withoutDirectMap } from "./page-tables.ts";
import { type PhysicalMemory, type RamRange, ramRanges, withPhysicalMemory } from "./physical-memory.ts";

const PAGE = 4096;
/** Of each vCPU: 8 MiB of tables, which map 4 GiB of small pages; some tenths of a second during which the guest stands. */
const MAX_TABLES = 2048;
/** Between looks for a process, where no vCPU runs one. */
const AGAIN_MS = 20;
const MAX_LOOKS = 25;
/** As many bytes are written faster than a page. */
const FEW_BITS = 4;
/** Of what is told. */
const MAX_TEXT = 4000;

interface Target {
	readonly physical: number;
	/** Undefined where it is not known. */
	readonly virtual?: bigint;
}

export class MemoryCorruption implements Lever {
	readonly #clone: Clone;

	constructor({ clone }: LeverTarget) {
		this.#clone = clone;
	}

	async apply({ values, seed, signal }: LeverMove): Promise<LeverValues> {
		const random = createRandom(seed);
		const ranges = await ramRanges(this.#clone);
		const pages = String(values["pages"] ?? "any");
		const [count, bits] = [Number(values["count"] ?? 1), Number(values["bitsPerPage"] ?? 1)];
		for (let look = 1; ; look++) {
			signal.throwIfAborted();
			const hit = await withPhysicalMemory(this.#clone, async (memory) => {
				const targets =
					pages === "any"
						? anyPages(ranges, count, random)
						: await aimed(this.#clone.qmp, memory, ranges, pages === "user" ? "user" : "kernel", count, random);
				const told: string[] = [];
				for (const target of targets) told.push(await flip(memory, target, bits, random));
				return told;
			});
			if (hit.length > 0) return { pagesHit: hit.length, bitsHit: shortened(hit) };
			if (look === MAX_LOOKS) {
				throw new UmbraError(
					"unavailable",
					`no page was found that ${pages === "user" ? "a process" : "the kernel"} uses`,
					{
						hint: "a vCPU that idles has no process; `any` needs none",
					},
				);
			}
			await sleep(AGAIN_MS, undefined, { signal });
		}
	}

	/** What was written was read back while the guest stood: by now it may have written there itself. */
	async verify(): Promise<void> {}

	async revert(): Promise<void> {}
}

/** "0x3f2a010.5": the physical address of the byte, and the bit in it. */
async function flip(memory: PhysicalMemory, target: Target, count: number, random: Random): Promise<string> {
	const page = await memory.read(target.physical, PAGE);
	if (page === undefined) throw new UmbraError("unavailable", `no memory at ${target.physical.toString(16)}`);
	const bits = new Set<number>();
	while (bits.size < count) bits.add(random.below(PAGE * 8));
	const places = [...bits].sort((one, other) => one - other);
	for (const bit of places) {
		const at = bit >> 3;
		const byte = Buffer.from([(page[at] ?? 0) ^ (1 << (bit & 7))]);
		page[at] = byte[0] as number;
		if (count <= FEW_BITS) await memory.write(target.physical + at, byte);
	}
	if (count > FEW_BITS) await memory.write(target.physical, page);
	const found = await memory.read(target.physical, PAGE);
	if (found?.equals(page) !== true) {
		throw new UmbraError(
			"unavailable",
			`the memory at 0x${target.physical.toString(16)} did not take what was written`,
		);
	}
	const where = places.map((bit) => `0x${(target.physical + (bit >> 3)).toString(16)}.${bit & 7}`).join(" ");
	return target.virtual === undefined ? where : `${where} (of ${target.virtual.toString(16)})`;
}

function shortened(hit: readonly string[]): string {
	const text = hit.join(", ");
	return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}...`;
}

function anyPages(ranges: readonly RamRange[], count: number, random: Random): Target[] {
	const mappings = ranges.map(({ begin, end }) => ({ physical: begin, bytes: end - begin }));
	return drawPages(mappings, count, random);
}

async function aimed(
	qmp: QmpClient,
	memory: PhysicalMemory,
	ranges: readonly RamRange[],
	wanted: "user" | "kernel",
	count: number,
	random: Random,
): Promise<Target[]> {
	const text = String(await qmp.execute("human-monitor-command", { "command-line": "info registers -a" }));
	const processors = pagingOf(text);
	if (processors.length === 0) {
		throw new UmbraError("unsupported", "pages of kernel or processes are only known of x86-64 guests in 64-bit mode", {
			hint: "pages: any",
		});
	}
	const isRam = ({ physical, bytes }: { readonly physical: number; readonly bytes: number }) =>
		ranges.some(({ begin, end }) => physical >= begin && physical + bytes <= end);
	const memoryBytes = ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);
	const found = new Map<number, Mapping | { physical: number; bytes: number; virtual?: bigint }>();
	// Kernels have one map for all processors.
	for (const { cr3, levels } of wanted === "kernel" ? processors.slice(0, 1) : processors) {
		const read = async (physical: number, length: number) =>
			isRam({ physical, bytes: length }) ? await memory.read(physical, length) : undefined;
		const walked = await walkPageTables({ cr3, levels, read, wanted, maxTables: MAX_TABLES, random });
		const ram = walked.mappings.filter((mapping) => isRam(mapping));
		for (const each of wanted === "kernel" ? withoutDirectMap(ram, memoryBytes) : ram) found.set(each.physical, each);
		if (wanted === "user") continue;
		for (const physical of walked.tables) found.set(physical, { physical, bytes: TABLE_BYTES });
	}
	return drawPages([...found.values()], count, random);
}

/** Of each processor that is in 64-bit mode. */
export function pagingOf(registers: string): { readonly cr3: bigint; readonly levels: 4 | 5 }[] {
	return registers.split(/^CPU#\d+/m).flatMap((text) => {
		const register = (name: string): bigint =>
			BigInt(`0x${new RegExp(`${name}\\s*=\\s*([0-9a-f]+)`).exec(text)?.[1] ?? "0"}`);
		const hasPaging = (register("CR0") & (1n << 31n)) !== 0n && (register("EFER") & (1n << 10n)) !== 0n;
		const levels = (register("CR4") & (1n << 12n)) !== 0n ? 5 : 4;
		return hasPaging ? [{ cr3: register("CR3"), levels }] : [];
	});
}

/** Each page as likely as any other, none twice; all of them where there are no more. */
function drawPages(
	mappings: readonly { readonly physical: number; readonly bytes: number; readonly virtual?: bigint }[],
	count: number,
	random: Random,
): Target[] {
	const total = mappings.reduce((sum, { bytes }) => sum + Math.floor(bytes / PAGE), 0);
	const drawn = new Set<number>();
	while (drawn.size < Math.min(count, total)) drawn.add(random.below(total));
	const targets: Target[] = [];
	let before = 0;
	const places = [...drawn].sort((one, other) => one - other);
	let next = 0;
	for (const { physical, bytes, virtual } of mappings) {
		const pages = Math.floor(bytes / PAGE);
		for (; next < places.length && (places[next] as number) < before + pages; next++) {
			const offset = ((places[next] as number) - before) * PAGE;
			targets.push({
				physical: physical + offset,
				...(virtual === undefined ? {} : { virtual: virtual + BigInt(offset) }),
			});
		}
		before += pages;
	}
	return targets;
}
