/** The part of a capture that is not disks: RAM, devices and configuration, from the machine into the spool. */
import { blockCount, isZeroName, NAME_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import { toLong, v1, type wire } from "../../proto/service.ts";
import type { RamOptions, RamRequest, Snapshot } from "../hypervisor/hypervisor.ts";
import { type NamedPart, writeBytes } from "../state/block-writer.ts";
import { encodeConfiguration } from "../state/configuration.ts";
import { type ReadState, readState } from "../state/state.ts";
import { BlockRuns } from "./changeset.ts";
import type { HashPoolLease } from "./hash-pool-lease.ts";
import type { ChunkSink } from "./scan-disk.ts";

/** What the guest may have to wait where the spool has no room; then the capture is given up. */
const MAX_WAIT_MS = 2_000;

export interface CapturedState {
	readonly header: wire.v1.IMachineState;
	/** Encoded runs of block names. */
	readonly runs: readonly Uint8Array[];
	/** Of RAM. */
	readonly bytes: number;
}

export interface StateCaptureOptions extends RamOptions {
	readonly hashing: HashPoolLease;
	readonly chunks: ChunkSink;
	readonly signal: AbortSignal;
}

export class StateCapture {
	readonly request: RamRequest;
	readonly #options: StateCaptureOptions;
	#read: ReadState | undefined;

	constructor(options: StateCaptureOptions) {
		this.#options = options;
		const { hashing, chunks, signal, allowPause, preallocate, askGuest } = options;
		this.request = {
			allowPause,
			preallocate,
			askGuest,
			read: async (stream, scratchPath) => {
				this.#read = await hashing.use((pool) =>
					readState({ stream, scratchPath, pool, chunks, signal, maxWaitMs: MAX_WAIT_MS }),
				);
			},
		};
	}

	/** Once all of it is in the spool. @throws UmbraError as `readState`, `unavailable` where QEMU gave up. */
	async finish({ ram }: Snapshot): Promise<CapturedState> {
		await ram?.finished();
		const read = this.#read;
		if (ram === undefined || read === undefined) {
			throw new UmbraError("unsupported", "this machine's RAM and devices cannot be captured");
		}
		const { configuration } = ram;
		const { hashing, chunks, signal } = this.#options;
		const json = encodeConfiguration(configuration, read.shape);
		const told = await hashing.use((pool) => writeBytes(json, { pool, chunks, signal, maxWaitMs: MAX_WAIT_MS }));
		const parts: readonly (readonly [wire.v1.StatePartKind, NamedPart])[] = [
			[v1.StatePartKind.STATE_PART_RAM, read.ram],
			[v1.StatePartKind.STATE_PART_DEVICES, read.devices],
			[v1.StatePartKind.STATE_PART_CONFIGURATION, told],
		];
		const memory = configuration.memory.base + configuration.memory.plugged;
		return {
			header: {
				parts: parts.map(([part, { size }]) => ({ part, sizeBytes: toLong(size) })),
				machineType: read.shape.machineType,
				hypervisor: `QEMU ${configuration.version}`,
				memoryBytes: toLong(memory),
				cpus: configuration.cpus,
				streamBytes: toLong(read.bytes),
			},
			runs: parts.flatMap(([part, named]) => runsOf(part, named)),
			bytes: memory,
		};
	}
}

/** What is not named is zeroes. */
function runsOf(part: wire.v1.StatePartKind, { size, names }: NamedPart): readonly Uint8Array[] {
	const runs = new BlockRuns(part);
	for (let block = 0; block < blockCount(size); block++) {
		const name = names.subarray(block * NAME_SIZE, (block + 1) * NAME_SIZE);
		if (!isZeroName(name)) runs.add(block, name, 0);
	}
	return runs.end();
}
