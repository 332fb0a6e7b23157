/** For tests: an NBD client that sends what it is told to, right or wrong, and shows what came. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
	CMD_READ,
	GREETING_BYTES,
	IHAVEOPT,
	OPT_GO,
	OPT_STRUCTURED_REPLY,
	OPTION_REPLY_BYTES,
	REP_ACK,
	REP_ERR_BIT,
	REQUEST_MAGIC,
	SIMPLE_REPLY_BYTES,
	STRUCTURED_REPLY_BYTES,
} from "../source/nbd/wire.ts";
import { ByteReader } from "./byte-reader.ts";

export interface OptionReply {
	readonly type: number;
	readonly data: Buffer;
}

export interface RawRequest {
	readonly type?: number;
	readonly flags?: number;
	readonly offset?: number | bigint;
	readonly length?: number;
	readonly magic?: number;
}

export class RawClient implements Disposable {
	readonly socket: Socket;
	readonly reader: ByteReader;

	private constructor(socket: Socket) {
		this.socket = socket;
		socket.on("error", () => undefined);
		this.reader = new ByteReader(socket);
	}

	/** Greeted, its flags sent. */
	static async connect(path: string, flags = 3): Promise<RawClient> {
		const socket = connect(path);
		await once(socket, "connect");
		const client = new RawClient(socket);
		await client.reader.take(GREETING_BYTES);
		socket.write(u32(flags));
		return client;
	}

	/** In transmission, of the default export. */
	static async going(path: string, structured: boolean): Promise<RawClient> {
		const client = await RawClient.connect(path);
		if (structured) await client.option(OPT_STRUCTURED_REPLY);
		const replies = await client.option(OPT_GO, goData(""));
		if (replies.at(-1)?.type !== REP_ACK) throw new Error("NBD_OPT_GO was refused");
		return client;
	}

	/** Sends an option; all replies to it, up to the one that ends it. */
	async option(option: number, data: Uint8Array = new Uint8Array(), length = data.length): Promise<OptionReply[]> {
		this.sendOption(option, data, length);
		const replies: OptionReply[] = [];
		for (;;) {
			const header = await this.reader.take(OPTION_REPLY_BYTES);
			const type = header.readUInt32BE(12);
			replies.push({ type, data: await this.reader.take(header.readUInt32BE(16)) });
			if (type === REP_ACK || type >= REP_ERR_BIT) return replies;
		}
	}

	sendOption(option: number, data: Uint8Array, length = data.length): void {
		const head = Buffer.alloc(8);
		head.writeBigUInt64BE(IHAVEOPT);
		this.socket.write(Buffer.concat([head, u32(option), u32(length), data]));
	}

	request(request: RawRequest, cookie = 7n): void {
		const bytes = Buffer.alloc(28);
		bytes.writeUInt32BE(request.magic ?? REQUEST_MAGIC, 0);
		bytes.writeUInt16BE(request.flags ?? 0, 4);
		bytes.writeUInt16BE(request.type ?? CMD_READ, 6);
		bytes.writeBigUInt64BE(cookie, 8);
		bytes.writeBigUInt64BE(BigInt(request.offset ?? 0), 16);
		bytes.writeUInt32BE(request.length ?? 512, 24);
		this.socket.write(bytes);
	}

	/** The error of a simple reply; 0 where it was done. */
	async simple(cookie = 7n): Promise<number> {
		const header = await this.reader.take(SIMPLE_REPLY_BYTES);
		if (header.readBigUInt64BE(8) !== cookie) throw new Error("a reply to another request");
		return header.readUInt32BE(4);
	}

	/** One chunk of a structured reply, of at most 64 KiB. */
	async chunk(): Promise<{ readonly type: number; readonly done: boolean; readonly payload: Buffer }> {
		const header = await this.reader.take(STRUCTURED_REPLY_BYTES);
		const payload = await this.reader.take(header.readUInt32BE(16));
		return { type: header.readUInt16BE(6), done: (header.readUInt16BE(4) & 1) === 1, payload };
	}

	/** Resolves when the server has closed the connection. */
	async closed(): Promise<void> {
		if (!this.socket.closed) await once(this.socket, "close");
	}

	[Symbol.dispose](): void {
		this.socket.destroy();
	}
}

export function u32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value);
	return bytes;
}

/** Data of NBD_OPT_GO: a name, and no information asked for. */
export function goData(name: string): Buffer {
	return Buffer.concat([u32(Buffer.byteLength(name)), Buffer.from(name), Buffer.from([0, 0])]);
}
