/**
 * Who owns a file. NTFS names owners by SIDs, in security descriptors that many files share: $Secure:$SDS holds them,
 * and a file has the number of one. Old volumes keep a descriptor with each file.
 *
 * FileNode has numbers for owners. An SID becomes one by a rule of its own, not by the order of discovery, so that two
 * scans of a volume agree.
 * Source: Microsoft's [MS-DTYP] 2.4.2 and 2.4.6; ntfs-3g's security.c for $SDS.
 */
import { blake3Name } from "../../common/block.ts";
import type { Owners } from "../owners.ts";

/** $SDS is written in blocks of this size, each followed by its copy. */
const SDS_BLOCK = 256 << 10;
const SDS_ENTRY_HEADER = 20;
/** With its copies. */
export const SDS_STRIDE = 2 * SDS_BLOCK;
/** A hundred thousand descriptors; a volume has hundreds. */
export const MAX_SDS_BYTES = 64 << 20;
/** As many as fit above, and as many owners as anybody lists. */
const MAX_SECURITY_IDS = 1 << 18;
const MAX_SIDS = 1 << 16;
/** Hashes of so many SIDs do not meet by chance. */
const MAX_TRIES = 64;
/** Descriptors hold at most 64 KiB. */
const MAX_DESCRIPTOR = 64 << 10;
/** Of files that keep their own, remembered. */
const MAX_DESCRIPTORS = 1024;
const MAX_SUB_AUTHORITIES = 15;
/** Numbers below are those of well-known SIDs. */
const FIRST_HASHED = 1 << 16;
/** For a file whose owner cannot be told. */
export const UNKNOWN_OWNER = 65534;

/** Those that are the same on every Windows. [MS-DTYP] 2.4.2.4 */
const WELL_KNOWN: ReadonlyMap<string, string> = new Map([
	["S-1-1-0", "Everyone"],
	["S-1-3-0", "CREATOR OWNER"],
	["S-1-3-1", "CREATOR GROUP"],
	["S-1-5-7", "ANONYMOUS LOGON"],
	["S-1-5-11", "Authenticated Users"],
	["S-1-5-18", "SYSTEM"],
	["S-1-5-19", "LOCAL SERVICE"],
	["S-1-5-20", "NETWORK SERVICE"],
	["S-1-5-32-544", "Administrators"],
	["S-1-5-32-545", "Users"],
	["S-1-5-32-546", "Guests"],
	["S-1-5-32-547", "Power Users"],
	["S-1-5-32-549", "Server Operators"],
	["S-1-5-32-551", "Backup Operators"],
	["S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464", "TrustedInstaller"],
]);

export interface Owner {
	readonly uid: number;
	readonly gid: number;
}

const NO_ACCOUNTS: ReadonlyMap<string, string> = new Map();
const NOBODY: Owner = { uid: UNKNOWN_OWNER, gid: UNKNOWN_OWNER };

export class Security {
	readonly #bySecurityId = new Map<number, Owner>();
	readonly #owners = new Map<number, Owner>();
	readonly #byDescriptor = new Map<string, Owner>();
	/** SID -> number, and number -> SID. */
	readonly #numbers = new Map<string, number>();
	readonly #sids = new Map<number, string>();
	readonly #users = new Set<number>();
	readonly #groups = new Set<number>();
	#metMore = false;

	constructor() {
		// Known from the start: a listing asks for names before it has met the files.
		for (const sid of WELL_KNOWN.keys()) {
			const number = this.#number(sid);
			this.#users.add(number);
			this.#groups.add(number);
		}
	}

	/** Takes in $SDS, or some strides of it. @returns how many entries made no sense. */
	addTable(bytes: Buffer): number {
		const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		let faults = 0;
		for (let block = 0; block < bytes.length; block += SDS_STRIDE) {
			const end = Math.min(block + SDS_BLOCK, bytes.length);
			for (let at = block; at + SDS_ENTRY_HEADER <= end; ) {
				const length = view.getUint32(at + 16, true);
				if (length === 0) break;
				if (length < SDS_ENTRY_HEADER + 20 || length > MAX_DESCRIPTOR + SDS_ENTRY_HEADER || at + length > end) {
					faults++;
					break;
				}
				const owner = this.#parse(bytes.subarray(at + SDS_ENTRY_HEADER, at + length));
				if (owner === undefined || this.#bySecurityId.size >= MAX_SECURITY_IDS) faults++;
				else this.#bySecurityId.set(view.getUint32(at + 4, true), owner);
				at += Math.ceil(length / 16) * 16;
			}
		}
		return faults;
	}

	/** How many numbers of descriptors the table gave. */
	get descriptors(): number {
		return this.#bySecurityId.size;
	}

	/** Whether files themselves named somebody that the table does not: then numbers follow from the order of discovery. */
	get metMore(): boolean {
		return this.#metMore;
	}

	/** Tells whom the first `count` descriptors of the table name. */
	digest(count: number): Uint8Array {
		const numbers: number[] = [];
		for (const [id, { uid, gid }] of this.#bySecurityId) {
			if (numbers.length === 3 * count) break;
			numbers.push(id, uid, gid);
		}
		return blake3Name(new Uint8Array(Uint32Array.from(numbers).buffer));
	}

	/** @param descriptor the file's own, where it has no number. */
	ownerOf(securityId: number, descriptor: Buffer | undefined): Owner {
		const known = securityId === 0 ? undefined : this.#bySecurityId.get(securityId);
		if (known !== undefined) return known;
		if (descriptor === undefined) return NOBODY;
		// Thousands of files have the same one.
		const key = descriptor.toString("latin1");
		let owner = this.#byDescriptor.get(key);
		if (owner === undefined) {
			const met = this.#met();
			owner = this.#parse(descriptor) ?? NOBODY;
			if (this.#met() !== met) this.#metMore = true;
			if (this.#byDescriptor.size < MAX_DESCRIPTORS) this.#byDescriptor.set(key, owner);
		}
		return owner;
	}

	/**
	 * The well-known ones and those of `accounts` by their names, and all others that were met so far as SIDs.
	 *
	 * @param accounts SID -> name.
	 */
	owners(accounts: ReadonlyMap<string, string> = NO_ACCOUNTS): Owners {
		return { users: this.#named(this.#users, accounts), groups: this.#named(this.#groups, accounts) };
	}

	#named(numbers: ReadonlySet<number>, accounts: ReadonlyMap<string, string>): Map<number, string> {
		const named = new Map<number, string>();
		for (const number of [...numbers].sort((a, b) => a - b)) {
			const sid = this.#sids.get(number)!;
			named.set(number, WELL_KNOWN.get(sid) ?? accounts.get(sid) ?? sid);
		}
		return named;
	}

	/** A self-relative SECURITY_DESCRIPTOR. */
	#parse(descriptor: Buffer): Owner | undefined {
		if (descriptor.length < 20) return undefined;
		const owner = parseSid(descriptor, descriptor.readUInt32LE(4));
		const group = parseSid(descriptor, descriptor.readUInt32LE(8));
		const uid = owner === undefined ? UNKNOWN_OWNER : this.#number(owner);
		const gid = group === undefined ? UNKNOWN_OWNER : this.#number(group);
		if (uid !== UNKNOWN_OWNER) this.#users.add(uid);
		if (gid !== UNKNOWN_OWNER) this.#groups.add(gid);
		return this.#share({ uid, gid });
	}

	#met(): number {
		return this.#sids.size + this.#users.size + this.#groups.size;
	}

	/** The same object for the same owner: hundreds of thousands of descriptors name a few. */
	#share(owner: Owner): Owner {
		const key = owner.uid * 2 ** 31 + owner.gid;
		const known = this.#owners.get(key);
		if (known !== undefined) return known;
		if (this.#owners.size < MAX_SIDS) this.#owners.set(key, owner);
		return owner;
	}

	/** `UNKNOWN_OWNER` where there are too many, or too many that want one number. */
	#number(sid: string): number {
		const known = this.#numbers.get(sid);
		if (known !== undefined) return known;
		if (this.#sids.size >= MAX_SIDS) return UNKNOWN_OWNER;
		let number = preferredNumber(sid);
		for (let tries = 0; this.#sids.has(number); tries++) {
			if (tries === MAX_TRIES) return UNKNOWN_OWNER;
			number = number === 0x7fffffff ? FIRST_HASHED : number + 1;
		}
		this.#numbers.set(sid, number);
		this.#sids.set(number, sid);
		return number;
	}
}

/** `S-1-5-18` -> 18, `S-1-5-32-544` -> 544; of all others a hash: those of two domains may end alike. */
function preferredNumber(sid: string): number {
	const builtin = /^S-1-5-(?:32-)?(\d{1,4})$/.exec(sid);
	if (builtin !== null) return Number(builtin[1]);
	// FNV-1a
	let hash = 0x811c9dc5;
	for (let i = 0; i < sid.length; i++) hash = Math.imul(hash ^ sid.charCodeAt(i), 0x01000193);
	return FIRST_HASHED + ((hash >>> 0) % (0x80000000 - FIRST_HASHED));
}

/** Undefined where there is none at `at`. */
export function parseSid(bytes: Buffer, at: number): string | undefined {
	if (at === 0 || at + 8 > bytes.length || bytes[at] !== 1) return undefined;
	const count = bytes[at + 1]!;
	if (count > MAX_SUB_AUTHORITIES || at + 8 + 4 * count > bytes.length) return undefined;
	let sid = `S-1-${bytes.readUIntBE(at + 2, 6)}`;
	for (let i = 0; i < count; i++) sid += `-${bytes.readUInt32LE(at + 8 + 4 * i)}`;
	return sid;
}
