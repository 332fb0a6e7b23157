/** A state's parts -> a migration stream that QEMU takes with `-incoming`. */
import { isZero } from "../../common/block.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { RAM_PAGE, RamSection } from "./migration-stream.ts";
import type { PlacedBlock } from "./ram-layout.ts";
import type { StateShape } from "./state.ts";

/** Read at a time: neighbouring chunks of the vault are read together. */
const READ_BYTES = 4 * 2 ** 20;

/**
 * Every page is told, those of zeroes too, since a machine that starts may have put something there.
 *
 * @param ram the RAM part, as the shape lays it out
 * @param devices the devices' part
 * @param blocks whose pages are told; whoever loads it has the others already
 */
export async function* rejoin(
	shape: StateShape,
	ram: BlockSource,
	devices: BlockSource,
	signal?: AbortSignal,
	blocks: readonly PlacedBlock[] = shape.ram.blocks,
): AsyncGenerator<Uint8Array> {
	yield await devices.read(0, shape.headBytes, signal);
	const section = new RamSection(shape);
	yield section.begin();
	for (const block of blocks) {
		for (let from = 0; from < block.size; from += READ_BYTES) {
			signal?.throwIfAborted();
			const length = Math.min(READ_BYTES, block.size - from);
			const bytes = await ram.read(block.offset + from, length, signal);
			const pieces: Uint8Array[] = [];
			for (let at = 0; at < length; at += RAM_PAGE) {
				const page = bytes.subarray(at, at + RAM_PAGE);
				const zero = isZero(page);
				pieces.push(section.page(from + at === 0 ? block.name : undefined, from + at, zero));
				if (!zero) pieces.push(page);
			}
			yield Buffer.concat(pieces);
		}
	}
	yield section.end();
	yield await devices.read(shape.headBytes, devices.size - shape.headBytes, signal);
}
