/**
 * `state/` keeps what a running machine is besides its disks: RAM, the state of its devices, and how it was made. It
 * takes QEMU's migration stream apart and puts it together again; it knows neither QEMU's monitor nor how parts travel.
 *
 * Words: the *parts* of a state are RAM, the devices, and the configuration; each is kept as a disk is, in 64 KiB
 * chunks under a tree. A *layout* says where in the RAM part each RAM block of the machine lies. *Head* and *tail* are
 * what the migration stream says before and behind the pages: together they are the devices' part.
 */
import type { BlockWriterOptions, NamedPart } from "./block-writer.ts";
import { BlockWriter, writeBytes } from "./block-writer.ts";
import { MigrationStream } from "./migration-stream.ts";
import { RamAssembler } from "./ram-assembler.ts";
import type { RamLayout } from "./ram-layout.ts";

/** What it takes to put the stream together again, beside RAM and devices themselves. */
export interface StateShape {
	/** Versioned machine type, as the stream names it. */
	readonly machineType: string;
	readonly ram: RamLayout;
	/** Bytes of the devices' part that come before RAM. */
	readonly headBytes: number;
	readonly ramSection: number;
	readonly hasFooters: boolean;
}

export interface ReadState {
	readonly shape: StateShape;
	readonly ram: NamedPart;
	readonly devices: NamedPart;
	/** Of the stream. */
	readonly bytes: number;
}

export interface ReadStateOptions extends BlockWriterOptions {
	readonly stream: AsyncIterable<Uint8Array>;
	/** A scratch file that may be made there. */
	readonly scratchPath: string;
}

/**
 * Reads a migration stream to its end and brings its chunks into the spool.
 *
 * @throws UmbraError `unsupported`, `corrupt`, `truncated` for a stream that cannot be taken apart; `limit` where the
 * spool has no room.
 */
export async function readState(options: ReadStateOptions): Promise<ReadState> {
	const ready: { readonly block: number; readonly bytes: Buffer }[] = [];
	using assembler = new RamAssembler({
		scratchPath: options.scratchPath,
		onBlock: (block, bytes) => ready.push({ block, bytes }),
	});
	const stream = new MigrationStream(assembler);
	const writer = new BlockWriter(options);
	const write = async (): Promise<void> => {
		for (const { block, bytes } of ready.splice(0)) {
			await writer.add(block, bytes);
			assembler.reuse(bytes);
		}
	};
	try {
		let bytes = 0;
		for await (const some of options.stream) {
			options.signal.throwIfAborted();
			bytes += some.length;
			stream.push(some);
			if (ready.length > 0) await write();
		}
		options.signal.throwIfAborted();
		const { head, tail, ...told } = stream.end();
		assembler.finish();
		await write();
		const ram = await writer.finish(assembler.layout.size);
		const devices = await writeBytes(Buffer.concat([head, tail]), options);
		return { shape: { ...told, ram: assembler.layout, headBytes: head.length }, ram, devices, bytes };
	} finally {
		await writer.abandon();
	}
}
