/** The plain bytes of chunks that were read lately, bounded in bytes: pages of disk trees are read again and again. */
export class ChunkCache {
	readonly #maxBytes: number;
	/** Least recently used first. */
	readonly #chunks = new Map<string, Uint8Array>();
	#bytes = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	get(name: Uint8Array): Uint8Array | undefined {
		const key = keyOf(name);
		const plain = this.#chunks.get(key);
		if (plain !== undefined) {
			this.#chunks.delete(key);
			this.#chunks.set(key, plain);
		}
		return plain;
	}

	set(name: Uint8Array, plain: Uint8Array): void {
		const key = keyOf(name);
		if (this.#chunks.has(key)) return;
		this.#chunks.set(key, plain);
		this.#bytes += plain.length;
		for (const [oldest, bytes] of this.#chunks) {
			if (this.#bytes <= this.#maxBytes) return;
			this.#chunks.delete(oldest);
			this.#bytes -= bytes.length;
		}
	}

	delete(name: Uint8Array): void {
		const key = keyOf(name);
		this.#bytes -= this.#chunks.get(key)?.length ?? 0;
		this.#chunks.delete(key);
	}
}

function keyOf(name: Uint8Array): string {
	return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString("latin1");
}
