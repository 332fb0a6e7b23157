/** For the tests of this folder: disks in memory, and a database on disk. */
import { ClassicLevel } from "classic-level";
import type { BlockSource } from "../../disk/source/source.ts";
import type { AgentDb } from "./block-index.ts";

/** A disk in memory that counts what is read of it. */
export class MemorySource implements BlockSource {
	readonly name: string;
	readonly bytes: Buffer;
	readBytes = 0;

	constructor(bytes: Buffer, name = "memory") {
		this.bytes = bytes;
		this.name = name;
	}
	get size(): number {
		return this.bytes.length;
	}
	async read(offset: number, length: number): Promise<Uint8Array> {
		this.readBytes += length;
		return Uint8Array.from(this.bytes.subarray(offset, offset + length));
	}
	extents = async (offset: number, length: number) => [{ offset, length, zero: false }];
	async [Symbol.asyncDispose](): Promise<void> {}
}

export async function openDb(path: string): Promise<AgentDb & AsyncDisposable> {
	const db: AgentDb = new ClassicLevel(path, { keyEncoding: "view", valueEncoding: "view" });
	await db.open();
	return Object.assign(db, { [Symbol.asyncDispose]: () => db.close() });
}
