/**
 * zstd of many small pieces, each a frame of its own, in memory that is used again from one to the next. `zstdCompressSync` and
 * `zstdDecompressSync` make a context and buffers for each call, which at 64 KiB costs as much as the work itself.
 *
 * Node has no public way to keep a context. This does what its own streams do (Node 24), without the stream; where the inside of
 * a Node looks otherwise, all goes the long way.
 */
import { constants, createZstdCompress, createZstdDecompress, zstdCompressSync } from "node:zlib";

/** The parts of Node's zstd streams that hold the context. */
interface StreamInside {
	readonly _handle?: {
		writeSync(
			flush: number,
			input: Uint8Array,
			inputAt: number,
			inputLength: number,
			output: Uint8Array,
			outputAt: number,
			outputLength: number,
		): void;
		onerror: (message: string) => void;
	} | null;
	/** After a write: bytes of the output that are left, bytes of the input that are left. */
	readonly _writeState?: Uint32Array;
	close(): void;
}

/** One frame in, one out. Not one that failed is gone on with: what it left behind would be taken for the next one's. */
class FrameContext {
	readonly #make: () => unknown;
	#stream: StreamInside | undefined;
	#failed = false;

	constructor(make: () => unknown) {
		this.#make = make;
	}

	/** @returns bytes of output; undefined where the input is no whole frame, or does not leave a byte of the output free. */
	run(input: Uint8Array, output: Uint8Array): number | undefined {
		this.#stream ??= this.#open();
		const stream = this.#stream;
		const { _handle: handle, _writeState: state } = stream;
		if (handle === undefined || handle === null || typeof handle.writeSync !== "function" || state === undefined) {
			return undefined;
		}
		this.#failed = false;
		handle.writeSync(constants.ZSTD_e_end, input, 0, input.length, output, 0, output.length);
		const [outputLeft = 0, inputLeft = 0] = state;
		if (!this.#failed && inputLeft === 0 && outputLeft > 0) return output.length - outputLeft;
		stream.close();
		this.#stream = undefined;
		return undefined;
	}

	#open(): StreamInside {
		const stream = this.#make() as StreamInside;
		// The stream's own would end the program, as nobody listens to the stream.
		if (stream._handle) {
			stream._handle.onerror = () => {
				this.#failed = true;
			};
		}
		return stream;
	}
}

/** Makes frames of pieces of at most `maxLength` bytes. */
export class FrameEncoder {
	readonly #params: Readonly<Record<number, number>>;
	readonly #maxLength: number;
	#context: FrameContext | undefined;
	#frame: Uint8Array | undefined;

	constructor(level: number, maxLength: number) {
		this.#params = { [constants.ZSTD_c_compressionLevel]: level };
		this.#maxLength = maxLength;
	}

	/** The frame, in memory of its own; undefined where it takes more than `limit` bytes. */
	encode(plain: Uint8Array, limit: number): Uint8Array<ArrayBuffer> | undefined {
		const params = this.#params;
		this.#context ??= new FrameContext(() => createZstdCompress({ params }));
		// More than zstd makes of bytes that do not shrink (ZSTD_COMPRESSBOUND).
		this.#frame ??= new Uint8Array(this.#maxLength + (this.#maxLength >>> 8) + 1024);
		const length = plain.length > this.#maxLength ? undefined : this.#context.run(plain, this.#frame);
		if (length === undefined) {
			const frame = zstdCompressSync(plain, { params });
			return frame.length > limit ? undefined : new Uint8Array(frame);
		}
		return length > limit ? undefined : (this.#frame.slice(0, length) as Uint8Array<ArrayBuffer>);
	}
}

export class FrameDecoder {
	readonly #params: Readonly<Record<number, number>>;
	#context: FrameContext | undefined;

	/** @param maxWindowLog as zstd has it: frames that need more memory than 2 to the power of this are not taken. */
	constructor(maxWindowLog: number) {
		this.#params = { [constants.ZSTD_d_windowLogMax]: maxWindowLog };
	}

	/**
	 * The plain bytes of one frame, at the beginning of `target`, which has to be larger than they are.
	 *
	 * @returns their length; undefined where it is no whole frame, or too large: `zstdDecompressSync` tells what is wrong.
	 */
	decode(frame: Uint8Array, target: Uint8Array): number | undefined {
		const params = this.#params;
		this.#context ??= new FrameContext(() => createZstdDecompress({ params }));
		return this.#context.run(frame, target);
	}
}
