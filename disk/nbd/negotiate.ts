/** The handshake of one connection, from greeting to transmission. Spec: "Newstyle negotiation". */
import { BLOCK_SIZE } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import {
	BASE_ALLOCATION,
	FLAG_CAN_MULTI_CONN,
	FLAG_HAS_FLAGS,
	FLAG_READ_ONLY,
	FLAG_SEND_CACHE,
	FLAG_SEND_DF,
	INFO_BLOCK_SIZE,
	INFO_DESCRIPTION,
	INFO_NAME,
	OPT_ABORT,
	OPT_EXPORT_NAME,
	OPT_GO,
	OPT_INFO,
	OPT_LIST,
	OPT_LIST_META_CONTEXT,
	OPT_SET_META_CONTEXT,
	OPT_STRUCTURED_REPLY,
	OPTION_BYTES,
	REP_ACK,
	REP_ERR_INVALID,
	REP_ERR_TOO_BIG,
	REP_ERR_UNKNOWN,
	REP_ERR_UNSUP,
	REP_INFO,
	REP_META_CONTEXT,
	REP_SERVER,
} from "../source/nbd/wire.ts";
import type { ByteReader } from "./byte-reader.ts";
import {
	encodeBlockSizes,
	encodeExportInfo,
	encodeExportNameAnswer,
	encodeGreeting,
	encodeInfoText,
	encodeMetaContext,
	encodeOptionReply,
	encodeServer,
	parseClientFlags,
	parseContextRequest,
	parseInfoRequest,
	parseOption,
} from "./options.ts";
import type { ServedDisk } from "./served-disk.ts";

/** A name and some queries take far less. */
const MAX_OPTION_BYTES = 16 * 1024;
/** A client that lists and then asks for every disk sends two a disk. */
const MAX_OPTIONS = 1024;
/** Our id of `base:allocation`, the only context there is. */
export const ALLOCATION_CONTEXT = 1;

/** What a client may choose from. */
export interface ServedDisks {
	readonly disks: readonly ServedDisk[];
	/** By any of its names; undefined where none is meant. */
	find(name: string): ServedDisk | undefined;
	/** For people, of one disk. */
	describe(disk: ServedDisk): string;
}

export interface Session {
	readonly disk: ServedDisk;
	readonly structured: boolean;
	/** `base:allocation` was chosen. */
	readonly allocation: boolean;
}

/**
 * @param send writes to the client, and waits where it is slow to read.
 * @returns undefined where the client left in good order.
 * @throws UmbraError where it does not speak the protocol, or left: nothing is to be said to it any more.
 */
export async function negotiate(
	reader: ByteReader,
	send: (bytes: Buffer) => Promise<void>,
	point: ServedDisks,
): Promise<Session | undefined> {
	await send(encodeGreeting());
	const client = parseClientFlags(await reader.take(4));
	let structured = false;
	let allocationOf: ServedDisk | undefined;
	const session = (disk: ServedDisk): Session => ({ disk, structured, allocation: allocationOf === disk });

	for (let options = 0; options < MAX_OPTIONS; options++) {
		const { option, length } = parseOption(await reader.take(OPTION_BYTES));
		const reply = (type: number, data?: Uint8Array) => send(encodeOptionReply(option, type, data));
		const refuse = (type: number, why: string) => reply(type, Buffer.from(why));
		if (length > MAX_OPTION_BYTES) {
			await refuse(REP_ERR_TOO_BIG, `${length} bytes of data, at most ${MAX_OPTION_BYTES}`);
			throw new UmbraError("limit", `NBD option ${option}: ${length} bytes of data`, { context: { found: length } });
		}
		const data = await reader.take(length);

		if (option === OPT_EXPORT_NAME) {
			const disk = point.find(data.toString("utf8"));
			// There is no way to refuse this option but to go.
			if (disk === undefined) throw new UmbraError("not-found", "NBD_OPT_EXPORT_NAME: no such export");
			await send(encodeExportNameAnswer(disk.sizeBytes, transmissionFlags(structured), client.noZeroes));
			return session(disk);
		}
		if (!client.fixed) throw new UmbraError("unsupported", `NBD option ${option} without fixed newstyle`);

		try {
			switch (option) {
				case OPT_ABORT:
					await reply(REP_ACK);
					return undefined;
				case OPT_LIST:
					wantEmpty(data);
					for (const disk of point.disks) await reply(REP_SERVER, encodeServer(disk.disk, point.describe(disk)));
					await reply(REP_ACK);
					break;
				case OPT_STRUCTURED_REPLY:
					wantEmpty(data);
					structured = true;
					await reply(REP_ACK);
					break;
				case OPT_LIST_META_CONTEXT:
				case OPT_SET_META_CONTEXT: {
					const { name, queries } = parseContextRequest(data);
					const isSet = option === OPT_SET_META_CONTEXT;
					if (isSet) allocationOf = undefined;
					const disk = point.find(name);
					if (!structured) await refuse(REP_ERR_INVALID, "structured replies come first");
					else if (disk === undefined) await refuse(REP_ERR_UNKNOWN, unknownExport(point, name));
					else {
						const all = !isSet && (queries.length === 0 || queries.includes("base:"));
						if (all || queries.includes(BASE_ALLOCATION)) {
							if (isSet) allocationOf = disk;
							await reply(REP_META_CONTEXT, encodeMetaContext(isSet ? ALLOCATION_CONTEXT : 0, BASE_ALLOCATION));
						}
						await reply(REP_ACK);
					}
					break;
				}
				case OPT_INFO:
				case OPT_GO: {
					const { name, wanted } = parseInfoRequest(data);
					const disk = point.find(name);
					if (disk === undefined) {
						await refuse(REP_ERR_UNKNOWN, unknownExport(point, name));
						break;
					}
					await reply(REP_INFO, encodeExportInfo(disk.sizeBytes, transmissionFlags(structured)));
					if (wanted.has(INFO_NAME)) await reply(REP_INFO, encodeInfoText(INFO_NAME, disk.disk));
					if (wanted.has(INFO_DESCRIPTION)) {
						await reply(REP_INFO, encodeInfoText(INFO_DESCRIPTION, point.describe(disk)));
					}
					if (wanted.has(INFO_BLOCK_SIZE)) await reply(REP_INFO, encodeBlockSizes(1, BLOCK_SIZE));
					await reply(REP_ACK);
					if (option === OPT_GO) return session(disk);
					break;
				}
				default:
					await reply(REP_ERR_UNSUP);
			}
		} catch (error) {
			if (!isUmbraError(error, "corrupt")) throw error;
			await refuse(REP_ERR_INVALID, error.message);
		}
	}
	throw new UmbraError("limit", `more than ${MAX_OPTIONS} NBD options`);
}

function transmissionFlags(structured: boolean): number {
	const always = FLAG_HAS_FLAGS | FLAG_READ_ONLY | FLAG_CAN_MULTI_CONN | FLAG_SEND_CACHE;
	return structured ? always | FLAG_SEND_DF : always;
}

function wantEmpty(data: Buffer): void {
	if (data.length > 0) throw new UmbraError("corrupt", `${data.length} bytes of data, wanted none`);
}

function unknownExport(point: ServedDisks, name: string): string {
	const known = point.disks.map(({ disk }) => disk).join(", ");
	return name === "" ? `name one of several: ${known}` : `no such export; there is ${known}`;
}
