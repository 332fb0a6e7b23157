/**
 * `proto/` is the wire contract: what an agent and the collector say to each other, and nothing else.
 * `umbra/v1/agent.proto` is the source, `generated/` is made from it, and this file turns the service
 * into what grpc-js wants and 64-bit fields into exact numbers.
 */
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import Long from "long";
import { MAX_TRIALS } from "../common/trial/batch-size.ts";
import { umbra } from "./generated/agent.js";

/** Every message and enumeration: `v1.Hello`, `v1.CaptureMode`, ... */
export const v1 = umbra.v1;
export type { umbra as wire } from "./generated/agent.js";

/** What `Hello` and `Welcome` carry; another number is another contract. */
export const PROTOCOL = 1;
/** Most names in one offer, and most missing names in one answer. */
export const MAX_OFFER_NAMES = 4096;
/** Most chunks in one batch. */
export const MAX_BATCH_CHUNKS = 64;
/** Most blocks in one `BlockRun`. */
export const MAX_RUN_BLOCKS = 8192;
/** Most files in one `FileChanges`. */
export const MAX_PART_FILES = 1000;
/** Most volumes listed of a disk; a guest can make thousands. */
export const MAX_DISK_VOLUMES = 256;
/** Most of each that a changeset tells; a guest's own logs can hold any number. */
export const MAX_SESSIONS = 64;
export const MAX_PACKAGE_CHANGES = 4096;
/** Most actors told of one file. */
export const MAX_FILE_ACTORS = 8;
/** Most points in one `PointsPage`. */
export const MAX_PAGE_POINTS = 500;
/** Most paths told that a file had in between. */
export const MAX_FILE_VIA = 8;
/** Most blocks in one `BlocksQuery`. */
export const MAX_READ_BLOCKS = 1024;
/** Most clones in one `RunTrial`. */
export const MAX_TRIAL_CLONES: number = MAX_TRIALS;
/** Largest message either side takes: a full batch of raw chunks and some air. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

interface Codec<T, I> {
	encode(message: I): { finish(): Uint8Array };
	decode(bytes: Uint8Array): T;
}

/** What grpc-js wants, around the same bytes. */
function wrap({ buffer, byteOffset, length }: Uint8Array): Buffer {
	return Buffer.from(buffer, byteOffset, length);
}

function method<Req, IReq, Res, IRes>(
	name: string,
	request: Codec<Req, IReq>,
	response: Codec<Res, IRes>,
	requestStream: boolean,
	responseStream: boolean,
): MethodDefinition<IReq, IRes> {
	return {
		path: `/umbra.v1.Collector/${name}`,
		requestStream,
		responseStream,
		requestSerialize: (value) => wrap(request.encode(value).finish()),
		requestDeserialize: (bytes) => request.decode(bytes) as unknown as IReq,
		responseSerialize: (value) => wrap(response.encode(value).finish()),
		responseDeserialize: (bytes) => response.decode(bytes) as unknown as IRes,
	};
}

export const collectorService = {
	session: method("Session", v1.AgentMessage, v1.CollectorMessage, true, true),
	offer: method("Offer", v1.ChunkOffer, v1.ChunkNeed, false, false),
	upload: method("Upload", v1.ChunkBatch, v1.ChunkBatchAck, true, true),
	submit: method("Submit", v1.ChangesetPart, v1.SubmitResult, true, false),
	points: method("Points", v1.PointsQuery, v1.PointsPage, false, false),
	openPoint: method("OpenPoint", v1.PointTicket, v1.PointContents, false, false),
	readBlocks: method("ReadBlocks", v1.BlocksQuery, v1.BlocksPart, false, true),
	reportTrial: method("ReportTrial", v1.TrialReport, v1.TrialReceipt, false, false),
} satisfies ServiceDefinition;

/** A 64-bit field as a bigint; absent is 0. */
export function toBigInt(value: Long | number | string | null | undefined): bigint {
	return value === null || value === undefined ? 0n : BigInt(value.toString());
}

/** @throws RangeError where the value is not exact as a number. */
export function toNumber(value: Long | number | string | null | undefined): number {
	const big = toBigInt(value);
	const number = Number(big);
	if (!Number.isSafeInteger(number)) throw new RangeError(`64-bit field ${big} is beyond 2^53`);
	return number;
}

/** For a `uint64` field. */
export function toLong(value: bigint | number): Long {
	return Long.fromString(BigInt(value).toString(), true);
}
