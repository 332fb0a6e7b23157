/** For tests: an NBD server that says what a script says, right or wrong. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { tempFolder } from "../../../test/support/temp.ts";
import { BASE_ALLOCATION } from "./client.ts";
import { CMD_DISC, CMD_READ } from "./wire.ts";

export const SIZE = 2 ** 20;
const OPTION_MAGIC = 0x3e889045565a9n;
export const ACK = 1;

export interface Request {
	readonly type: number;
	readonly cookie: bigint;
	readonly offset: number;
	readonly length: number;
	readonly socket: Socket;
}

/** What a scripted server does; whatever is not given it does properly. */
export interface Script {
	readonly greeting?: Buffer;
	/** Bytes that answer an option, in place of the right ones. */
	readonly option?: (option: number) => Buffer | undefined;
	readonly request?: (request: Request) => void;
	/** Called with each request line that ends the session. */
	readonly onDisconnect?: () => void;
}

/**
 * A server that follows a script, not a real one: no real server can be made to send these replies.
 * It grants structured replies and `base:allocation` as context 7, and exports 1 MiB.
 */
export async function scripted(script: Script, resources: AsyncDisposableStack) {
	const folder = resources.use(await tempFolder());
	const path = folder.file("s");
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on("close", () => sockets.delete(socket));
		socket.on("error", () => {});
		socket.write(script.greeting ?? greeting());
		let input = Buffer.alloc(0);
		let stage: "flags" | "options" | "transmission" = "flags";
		socket.on("data", (bytes) => {
			input = Buffer.concat([input, bytes as Buffer]);
			for (;;) {
				if (stage === "flags") {
					if (input.length < 4) return;
					input = input.subarray(4);
					stage = "options";
				} else if (stage === "options") {
					if (input.length < 16 || input.length < 16 + input.readUInt32BE(12)) return;
					const option = input.readUInt32BE(8);
					input = input.subarray(16 + input.readUInt32BE(12));
					socket.write(script.option?.(option) ?? optionAnswer(option));
					if (option === 7) stage = "transmission";
				} else {
					if (input.length < 28) return;
					const type = input.readUInt16BE(6);
					const request = {
						type,
						cookie: input.readBigUInt64BE(8),
						offset: Number(input.readBigUInt64BE(16)),
						length: input.readUInt32BE(24),
						socket,
					};
					input = input.subarray(28);
					if (type === CMD_DISC) script.onDisconnect?.();
					else (script.request ?? answer)(request);
				}
			}
		});
	});
	server.listen(path);
	await once(server, "listening");
	resources.defer(async () => {
		for (const socket of sockets) socket.destroy();
		server.close();
		await once(server, "close");
	});
	return { address: { path }, sockets };
}

export function greeting(): Buffer {
	return Buffer.concat([Buffer.from("NBDMAGICIHAVEOPT"), Buffer.from([0, 3])]);
}

export function optionReply(
	option: number,
	type: number,
	data: Buffer = Buffer.alloc(0),
	length = data.length,
): Buffer {
	const head = Buffer.alloc(20);
	head.writeBigUInt64BE(OPTION_MAGIC, 0);
	head.writeUInt32BE(option, 8);
	head.writeUInt32BE(type, 12);
	head.writeUInt32BE(length, 16);
	return Buffer.concat([head, data]);
}

export function metaContext(id: number, name: string): Buffer {
	return optionReply(10, 4, Buffer.concat([u32(id), Buffer.from(name)]));
}

export function exportInfo(size: bigint, flags = 3): Buffer {
	return optionReply(7, 3, Buffer.concat([u16(0), u64(size), u16(flags)]));
}

export function blockSize(minimum: number, maximum: number): Buffer {
	return optionReply(7, 3, Buffer.concat([u16(3), u32(minimum), u32(4096), u32(maximum)]));
}

export function optionAnswer(option: number): Buffer {
	if (option === 10) return Buffer.concat([metaContext(7, BASE_ALLOCATION), optionReply(10, ACK)]);
	if (option === 7) return Buffer.concat([exportInfo(BigInt(SIZE)), optionReply(7, ACK)]);
	return optionReply(option, ACK);
}

export function u16(value: number): Buffer {
	const bytes = Buffer.alloc(2);
	bytes.writeUInt16BE(value);
	return bytes;
}

export function u32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value);
	return bytes;
}

export function u64(value: bigint | number): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64BE(BigInt(value));
	return bytes;
}

/** A chunk of a structured reply; `length` may lie. */
export function chunk(
	request: Request,
	type: number,
	payload: Buffer,
	options: { more?: boolean; length?: number } = {},
): Buffer {
	return Buffer.concat([
		u32(0x668e33ef),
		u16(options.more === true ? 0 : 1),
		u16(type),
		u64(request.cookie),
		u32(options.length ?? payload.length),
		payload,
	]);
}

export function data(request: Request, offset: number, length: number, more = false): Buffer {
	return chunk(request, 1, Buffer.concat([u64(offset), Buffer.alloc(length, 0xaa)]), { more });
}

export function hole(request: Request, offset: number, length: number, more = false): Buffer {
	return chunk(request, 2, Buffer.concat([u64(offset), u32(length)]), { more });
}

export function status(
	request: Request,
	id: number,
	descriptors: readonly (readonly [number, number])[],
	more = false,
): Buffer {
	const payload = [u32(id), ...descriptors.flatMap(([length, flags]) => [u32(length), u32(flags)])];
	return chunk(request, 5, Buffer.concat(payload), { more });
}

export function failure(
	request: Request,
	error: number,
	message: string,
	options: { type?: number; length?: number; more?: boolean } = {},
): Buffer {
	const text = Buffer.from(message);
	const payload = Buffer.concat([u32(error), u16(options.length ?? text.length), text]);
	return chunk(request, options.type ?? 0x8001, payload, { more: options.more === true });
}

export function simple(request: Request, error: number, payload: Buffer = Buffer.alloc(0)): Buffer {
	return Buffer.concat([u32(0x67446698), u32(error), u64(request.cookie), payload]);
}

/** The right answer. */
export function answer(request: Request): void {
	if (request.type === CMD_READ) request.socket.write(data(request, request.offset, request.length));
	else request.socket.write(status(request, 7, [[request.length, 0]]));
}
