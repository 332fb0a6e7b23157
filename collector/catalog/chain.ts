/**
 * The hash chain over a VM's changesets: every changeset gets a link whose hash covers the link before it and all that
 * the changeset says, so that nothing of the past can be altered, taken out or put in without breaking every hash since.
 * What a verdict says is not covered: it comes later, and follows from the rest.
 *
 *     files hash   BLAKE3 over each file change in its order: canonical JSON and a line feed
 *     digest       BLAKE3 of the changeset's canonical JSON without `verdict` and `chain`, a line feed, the files hash in hex
 *     hash         BLAKE3 of "umbra link 1\n", the hash before, sequence and time (64 bits, little-endian), digest
 *
 * The hash before the first link is that of "umbra chain 1\n" and the VM's name. Canonical JSON is that of RFC 8785. A
 * point that retention drops leaves its link behind, with its digest: the chain holds as before, and says what went.
 */
import { Blake3Hasher } from "@napi-rs/blake-hash";
import { blake3Name, nameFromHex, nameToHex } from "../../common/block.ts";
import { canonicalJson } from "../../common/canonical-json.ts";
import { UmbraError } from "../../common/errors.ts";
import type { ChangesetRecord, FileChangeRecord } from "./records.ts";

/** `chain/<vm>`: the newest link. */
export interface ChainRecord {
	readonly vm: string;
	/** Time of the first changeset that it covers. */
	readonly begun: string;
	readonly sequence: number;
	readonly time: string;
	readonly hash: string;
}

/** `link/<vm>/<sequence>`: stays when its changeset goes. */
export interface LinkRecord {
	/** Of the changeset. */
	readonly time: string;
	readonly digest: string;
	readonly hash: string;
	/** Set when the changeset went. */
	readonly dropped?: {
		/** When, Unix nanoseconds. */
		readonly time: string;
		readonly reason: string;
		/** The changeset was no longer what its link says when it went. */
		readonly altered?: true;
	};
}

/** Hashes the file changes of a changeset as they come. */
export class FilesHash {
	readonly #hasher = new Blake3Hasher();

	add(files: readonly FileChangeRecord[]): void {
		for (const file of files) this.#hasher.update(`${canonicalJson(file)}\n`);
	}

	/** Hex; nothing may be added afterwards. */
	end(): string {
		return nameToHex(this.#hasher.digestBuffer());
	}
}

/** Hex. */
export function changesetDigest({ verdict: _, chain: __, ...told }: ChangesetRecord, files: string): string {
	return nameToHex(blake3Name(Buffer.from(`${canonicalJson(told)}\n${files}`)));
}

/** Hex; `previous` is the hash of the link before, "" for the first. */
export function linkHash(vm: string, sequence: number, previous: string, time: string, digest: string): string {
	const before = previous === "" ? blake3Name(Buffer.from(`umbra chain 1\n${vm}`)) : nameFromHex(previous);
	const numbers = Buffer.alloc(16);
	numbers.writeBigUInt64LE(BigInt(sequence), 0);
	numbers.writeBigUInt64LE(BigInt.asUintN(64, BigInt(time)), 8);
	return nameToHex(blake3Name(Buffer.concat([Buffer.from("umbra link 1\n"), before, numbers, nameFromHex(digest)])));
}

/** What an operator notes: `sequence:hash`. */
export function formatHead({ sequence, hash }: Pick<ChainRecord, "sequence" | "hash">): string {
	return `${sequence}:${hash}`;
}

/** @throws UmbraError `bad-config` for what `formatHead` never makes. */
export function parseHead(text: string): { readonly sequence: number; readonly hash: string } {
	const match = /^([1-9]\d{0,11}):([0-9a-f]{64})$/.exec(text.trim());
	if (match !== null) return { sequence: Number(match[1]), hash: match[2]! };
	throw new UmbraError("bad-config", `not the head of a chain: ${JSON.stringify(text)}`, {
		context: { field: "verify", found: text },
		hint: "wanted what `umbra vault chain VM` printed: a number, a colon and 64 hexadecimal digits",
	});
}
