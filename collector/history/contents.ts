/** What disks hold: few contents, so that what nobody needs any more is often wanted again. */
import { blake3Name, ZERO_NAME } from "../../common/block.ts";
import { sampleChunk } from "../vault/testing.ts";
import type { Contents } from "./model.ts";

/** Blocks of a disk: one page, and two levels of pages. */
export const SIZES = [20, 1100];
/** Blocks that are written: at the beginning of a disk, and over the border of a page. */
export const PLACES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1020, 1021, 1022, 1023, 1024, 1025, 1026];
/** 0 is zeroes. */
export const CONTENTS = 40;
/** What follows in a block is zeroes. */
const CONTENT_BYTES = 12_000;

interface Block {
	readonly name: Uint8Array;
	readonly data: Uint8Array;
}

const blocks = new Map<number, Block>();

/** @param content from 1; those above `CONTENTS` are on no disk. */
export function blockOf(content: number): Block {
	let found = blocks.get(content);
	if (found === undefined) {
		const { data } = sampleChunk(content * 2, CONTENT_BYTES - (content % 7) * 300);
		found = { data, name: blake3Name(data) };
		blocks.set(content, found);
	}
	return found;
}

export function nameOf(content: number): Uint8Array {
	return content === 0 ? ZERO_NAME : blockOf(content).name;
}

/** A disk of a guest, captured or not. */
export interface GuestDisk {
	blocks: number;
	readonly contents: Map<number, number>;
}

export interface Change {
	readonly disk: string;
	readonly place: number;
	readonly content: number;
}

export function contentAt(contents: Contents | undefined, place: number): number {
	return contents?.get(place) ?? 0;
}
