/** The handshake of one connection, from greeting to transmission. Spec: "Newstyle negotiation". */
import { UmbraError } from "../../../common/errors.ts";
import {
	answerGreeting,
	type ExportInfo,
	encodeGo,
	encodeMetaContexts,
	encodeOption,
	isOptionError,
	optionError,
	parseInfo,
	parseMetaContext,
	parseOptionReply,
} from "./options.ts";
import { violation } from "./protocol.ts";
import type { NbdStream } from "./stream.ts";
import {
	GREETING_BYTES,
	MAX_REQUEST_BYTES,
	OPT_GO,
	OPT_SET_META_CONTEXT,
	OPT_STRUCTURED_REPLY,
	OPTION_REPLY_BYTES,
	REP_ACK,
	REP_ERR_UNSUP,
	REP_INFO,
	REP_META_CONTEXT,
} from "./wire.ts";

/** Replies to one option: a server names each context or piece of information once. */
const MAX_OPTION_REPLIES = 64;
/** A client asks for an allocation map and a bitmap or two. */
const MAX_CONTEXTS = 32;

export interface Session {
	readonly info: ExportInfo;
	/** False: every reply is a simple one, there are no contexts. */
	readonly structured: boolean;
	/** Granted metadata contexts, by the id that replies name them with. */
	readonly contexts: ReadonlyMap<number, string>;
}

/**
 * @throws UmbraError `not-found` for an unknown export, `denied`, `unsupported` (oldstyle, TLS), or
 * `unavailable` where the server breaks the protocol or the connection ends.
 */
export async function negotiate(stream: NbdStream, exportName: string, wanted: readonly string[]): Promise<Session> {
	if (wanted.length > MAX_CONTEXTS) {
		throw new UmbraError("limit", `${wanted.length} metadata contexts; at most ${MAX_CONTEXTS}`, {
			context: { found: wanted.length, wanted: MAX_CONTEXTS },
		});
	}
	const greeting = Buffer.alloc(GREETING_BYTES);
	await stream.fill(greeting);
	stream.write(answerGreeting(greeting));
	const structured = await acknowledged(stream, OPT_STRUCTURED_REPLY);
	const contexts =
		structured && wanted.length > 0 ? await setMetaContexts(stream, exportName, wanted) : new Map<number, string>();
	return { info: await go(stream, exportName), structured, contexts };
}

/** False where the server does not know the option or refuses it: both leave it unset. */
async function acknowledged(stream: NbdStream, option: number): Promise<boolean> {
	stream.write(encodeOption(option));
	const { type } = await optionReply(stream, option);
	if (type !== REP_ACK && !isOptionError(type)) throw violation("option reply", "type", type, "NBD_REP_ACK");
	return type === REP_ACK;
}

async function setMetaContexts(
	stream: NbdStream,
	exportName: string,
	wanted: readonly string[],
): Promise<Map<number, string>> {
	stream.write(encodeOption(OPT_SET_META_CONTEXT, encodeMetaContexts(exportName, wanted)));
	const granted = new Map<number, string>();
	for (let replies = 0; replies < MAX_OPTION_REPLIES; replies++) {
		const { type, data } = await optionReply(stream, OPT_SET_META_CONTEXT);
		if (type === REP_ACK) return granted;
		if (type === REP_ERR_UNSUP) return new Map();
		if (isOptionError(type)) throw optionError(type, data, exportName);
		if (type !== REP_META_CONTEXT) throw violation("option reply", "type", type, "NBD_REP_META_CONTEXT");
		const { id, name } = parseMetaContext(data);
		if (!wanted.includes(name)) throw violation("NBD_REP_META_CONTEXT", "name", name, wanted.join(" or "));
		if (granted.has(id)) throw violation("NBD_REP_META_CONTEXT", "id", id, "an id not yet given");
		granted.set(id, name);
	}
	throw violation("NBD_OPT_SET_META_CONTEXT", "replies", MAX_OPTION_REPLIES, "NBD_REP_ACK");
}

async function go(stream: NbdStream, exportName: string): Promise<ExportInfo> {
	stream.write(encodeOption(OPT_GO, encodeGo(exportName)));
	let info: Partial<ExportInfo> = {};
	for (let replies = 0; replies < MAX_OPTION_REPLIES; replies++) {
		const { type, data } = await optionReply(stream, OPT_GO);
		if (type === REP_INFO) {
			info = { ...info, ...parseInfo(data) };
		} else if (type === REP_ACK) {
			if (info.size === undefined) throw violation("NBD_OPT_GO", "NBD_INFO_EXPORT", "nothing", "the export's size");
			// Where the server states none, it takes any offset (spec, "Block size constraints").
			return { minimumBlock: 1, maximumRequest: MAX_REQUEST_BYTES, ...info, size: info.size };
		} else if (isOptionError(type)) {
			throw optionError(type, data, exportName);
		} else {
			throw violation("option reply", "type", type, "NBD_REP_INFO or NBD_REP_ACK");
		}
	}
	throw violation("NBD_OPT_GO", "replies", MAX_OPTION_REPLIES, "NBD_REP_ACK");
}

async function optionReply(stream: NbdStream, option: number): Promise<{ type: number; data: Buffer }> {
	const header = Buffer.alloc(OPTION_REPLY_BYTES);
	await stream.fill(header);
	const { type, length } = parseOptionReply(header, option);
	const data = Buffer.alloc(length);
	await stream.fill(data);
	return { type, data };
}
