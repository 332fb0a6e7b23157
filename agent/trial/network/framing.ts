/**
 * How QEMU says frames over a socket, all numbers big-endian:
 *
 *     -netdev stream                    u32 length | frame
 *     filter-redirector, with headers   u32 length | u32 n | n bytes of virtio's header, and the frame: `length` together
 */
import { UmbraError } from "../../../common/errors.ts";
import type { Wire } from "../clone-plan.ts";

/** QEMU's own bound (NET_BUFSIZE): a segment of 64 KiB with its headers. */
const MAX_MESSAGE = 4096 + 65536;
/** virtio_net_hdr_mrg_rxbuf with the fields of hashes: 20 bytes. */
const MAX_HEADER = 64;
/** Destination, source and type: what is shorter is no frame. */
export const MIN_FRAME = 14;
const WITH_HEADER: Wire = "redirected-tap";

/** An Ethernet frame; `header` says what is still to be done to it (virtio_net_hdr), where its sender left that to others. */
export interface Frame {
	readonly bytes: Buffer;
	readonly header?: Buffer;
}

export class FrameReader {
	readonly #headBytes: number;
	#rest: Buffer = Buffer.alloc(0);
	/** Length of the headers that come. */
	#header = 0;

	constructor(wire: Wire) {
		this.#headBytes = wire === WITH_HEADER ? 8 : 4;
	}

	/** The length of the headers on this wire, as far as that is known. */
	get headerBytes(): number {
		return this.#header;
	}

	/** The frames that are whole with these bytes. @throws UmbraError `corrupt` for lengths that no frame has. */
	*push(bytes: Buffer): Generator<Frame, undefined> {
		const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
		let at = 0;
		while (all.length - at >= this.#headBytes) {
			const length = all.readUInt32BE(at);
			const header = this.#headBytes === 8 ? all.readUInt32BE(at + 4) : 0;
			if (length > MAX_MESSAGE || header > MAX_HEADER || header > length) {
				throw new UmbraError("corrupt", `a network frame of ${length} bytes with a header of ${header}`, {
					context: { structure: "QEMU's network stream", found: length, wanted: MAX_MESSAGE },
				});
			}
			const begin = at + this.#headBytes;
			if (all.length - begin < length) break;
			this.#header = header;
			const frame = all.subarray(begin + header, begin + length);
			yield header === 0 ? { bytes: frame } : { bytes: frame, header: all.subarray(begin, begin + header) };
			at = begin + length;
		}
		this.#rest = Buffer.from(all.subarray(at));
	}
}

/** @param headerBytes that the other side expects before a frame; nothing is left to be done to one without. */
export function encodeFrame(wire: Wire, { bytes, header }: Frame, headerBytes: number): Buffer {
	if (wire !== WITH_HEADER) {
		const head = Buffer.alloc(4);
		head.writeUInt32BE(bytes.length);
		return Buffer.concat([head, bytes]);
	}
	const own = header?.length === headerBytes ? header : Buffer.alloc(headerBytes);
	const head = Buffer.alloc(8);
	head.writeUInt32BE(headerBytes + bytes.length);
	head.writeUInt32BE(headerBytes, 4);
	return Buffer.concat([head, own, bytes]);
}
