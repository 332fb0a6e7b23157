/** States as the collector's API gives them: opened, read to the end, and put together as a migration stream. */
import { open, rm } from "node:fs/promises";
import { decodeConfiguration } from "../../agent/state/configuration.ts";
import { MigrationStream, type RamVisitor } from "../../agent/state/migration-stream.ts";
import { rejoin } from "../../agent/state/rejoin.ts";
import type { StateShape } from "../../agent/state/state.ts";
import type { StatePart, StateRecord } from "../../collector/catalog/records.ts";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { type CollectorClient, vmPath } from "../collector-client.ts";
import { collectorBytes } from "../collector-disk.ts";

export interface StateView {
	readonly vm: string;
	/** Exact: Unix nanoseconds, decimal. */
	readonly time: string;
	readonly pauseMs: number;
	readonly state: StateRecord;
	readonly configuration: ReturnType<typeof decodeConfiguration>;
}

export interface StateAtPoint extends AsyncDisposable {
	readonly view: StateView;
	readonly ram: BlockSource;
	readonly devices: BlockSource;
}

/** @throws UmbraError `not-found` where there is no state, `corrupt` or `unsupported` for one that makes no sense. */
export async function openState(client: CollectorClient, vm: string, time: string): Promise<StateAtPoint> {
	const told = await client.get<Omit<StateView, "configuration">>(vmPath(vm, "states", time));
	const source = (part: StatePart): BlockSource =>
		collectorBytes(client, {
			path: vmPath(vm, "states", told.time, part, "data"),
			name: `${vm}@${told.time}/state/${part}`,
			size: told.state.parts[part].sizeBytes,
		});
	const configuration = source("configuration");
	const view = { ...told, configuration: decodeConfiguration(await configuration.read(0, configuration.size)) };
	const state = { view, ram: source("ram"), devices: source("devices"), async [Symbol.asyncDispose]() {} };
	checkShape(view.configuration.stream, state);
	return state;
}

/** What the configuration says of the other parts, against their sizes. */
function checkShape(shape: StateShape, { view, ram, devices }: StateAtPoint): void {
	let end = 0;
	for (const { name, offset, size } of shape.ram.blocks) {
		if (offset < end || offset + size > ram.size) {
			throw new UmbraError("corrupt", `state of ${view.vm}: RAM block ${name} of ${size} bytes lies at ${offset}`, {
				context: { structure: "ram", found: offset, wanted: `${end} to ${ram.size}` },
			});
		}
		end = offset + size;
	}
	if (shape.headBytes > devices.size) {
		throw new UmbraError("corrupt", `state of ${view.vm}: a head of ${shape.headBytes} in ${devices.size} bytes`);
	}
}

export interface VerifiedState {
	readonly ramBytes: number;
	readonly deviceBytes: number;
	/** Pages that are not zero. */
	readonly pages: number;
}

/**
 * Reads all of it, by which the vault verifies every chunk, and takes the stream apart as if it had come from QEMU.
 *
 * @throws UmbraError `corrupt`, `not-found` where a chunk is damaged or gone.
 */
export async function verifyState(state: StateAtPoint, signal: AbortSignal): Promise<VerifiedState> {
	const counter = new PageCounter();
	const stream = new MigrationStream(counter);
	for await (const bytes of rejoin(state.view.configuration.stream, state.ram, state.devices, signal)) {
		stream.push(bytes);
	}
	const { head, tail } = stream.end();
	const wanted = state.view.configuration.stream.ram.blocks.reduce((sum, { size }) => sum + size, 0);
	if (counter.ramBytes !== wanted) {
		throw new UmbraError("corrupt", `the devices of ${state.view.vm} belong to ${counter.ramBytes} bytes of RAM`, {
			context: { structure: "ram", found: counter.ramBytes, wanted },
		});
	}
	return { ramBytes: counter.ramBytes, deviceBytes: head.length + tail.length, pages: counter.pages };
}

class PageCounter implements RamVisitor {
	ramBytes = 0;
	pages = 0;

	onBlocks(blocks: readonly { readonly size: number }[]): void {
		this.ramBytes = blocks.reduce((sum, { size }) => sum + size, 0);
	}

	onPage(): void {
		this.pages++;
	}

	onFill(): void {}
}

/**
 * Writes a new file. Returns its bytes.
 *
 * @throws UmbraError `conflict` where it exists, `unavailable` where it cannot be written; nothing is left then.
 */
export async function exportState(state: StateAtPoint, path: string, signal: AbortSignal): Promise<number> {
	const failed = (error: unknown): UmbraError => {
		if (errnoOf(error) === "EEXIST") return new UmbraError("conflict", `${path} exists`, { context: { path } });
		return new UmbraError("unavailable", `cannot write ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path },
		});
	};
	// Memory of a guest: for its owner alone.
	const file = await open(path, "wx", 0o600).catch((error: unknown) => Promise.reject(failed(error)));
	let written = 0;
	try {
		await using _file = file;
		for await (const bytes of rejoin(state.view.configuration.stream, state.ram, state.devices, signal)) {
			await file.writeFile(bytes).catch((error: unknown) => Promise.reject(failed(error)));
			written += bytes.length;
		}
		await file.sync();
	} catch (error) {
		await rm(path, { force: true });
		throw error;
	}
	return written;
}
