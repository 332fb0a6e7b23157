/**
 * The accounts of a Windows machine, from its Security Account Manager: users and groups by their SIDs. Accounts of a
 * domain are not in it. Source: [MS-DTYP] 2.4.2; the SAM's keys as chntpw knows them.
 */
import { isUmbraError } from "../../common/errors.ts";
import type { Filesystem } from "../filesystem.ts";
import { Hive, type HiveKey, MAX_HIVE } from "./hive.ts";

const SAM_PATH = "/Windows/System32/config/SAM";
const MAX_ACCOUNTS = 65536;
/** Windows itself allows 20 for users, 256 for groups. */
const MAX_NAME = 256;
/** How a machine's own SID begins, S-1-5-21, before the three numbers that tell it from others. */
const SID_PREFIX = Buffer.from([1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0]);
const SID_BYTES = SID_PREFIX.length + 12;
/** Below the key of a domain: its users, its global groups, its local groups. */
const KINDS = ["Users", "Groups", "Aliases"];

/**
 * SID -> name of a SAM hive's accounts.
 *
 * @throws UmbraError `corrupt`, `truncated`, `unsupported`, `limit`.
 */
export function parseSam(bytes: Buffer): Map<string, string> {
	const hive = new Hive(bytes, "SAM");
	const accounts = new Map<string, string>();
	const domains = hive.find(["SAM", "Domains"]);
	if (domains === undefined) return accounts;
	const builtin = hive.find(["Builtin"], domains);
	if (builtin !== undefined) addAccounts(hive, builtin, "S-1-5-32", accounts);
	const machine = hive.find(["Account"], domains);
	const sid = machine === undefined ? undefined : machineSid(hive, machine);
	if (machine !== undefined && sid !== undefined) addAccounts(hive, machine, sid, accounts);
	return accounts;
}

/**
 * SID -> name of the accounts of the Windows on this volume; empty where there is none.
 *
 * @throws UmbraError as `parseSam` for a SAM that cannot be read, or what the disk throws.
 */
export async function readSamAccounts(filesystem: Filesystem, signal?: AbortSignal): Promise<Map<string, string>> {
	try {
		const node = await filesystem.lookup(SAM_PATH, signal);
		if (node.type !== "file") return new Map();
		const bytes = await filesystem.readFile(node, 0, Math.min(node.size, MAX_HIVE), signal);
		return parseSam(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
	} catch (error) {
		if (isUmbraError(error, "not-found")) return new Map();
		throw error;
	}
}

/** The domain's own value "V" ends in its SID. */
function machineSid(hive: Hive, domain: HiveKey): string | undefined {
	for (const { name, data } of hive.values(domain)) {
		if (name.toUpperCase() !== "V" || data.length < SID_BYTES) continue;
		const found = data.lastIndexOf(SID_PREFIX, data.length - SID_BYTES);
		if (found === -1) return undefined;
		const at = found + SID_PREFIX.length;
		return `S-1-5-21-${data.readUInt32LE(at)}-${data.readUInt32LE(at + 4)}-${data.readUInt32LE(at + 8)}`;
	}
	return undefined;
}

/** Below "Names" each account is a key, and the type of its default value is its number. */
function addAccounts(hive: Hive, domain: HiveKey, sid: string, accounts: Map<string, string>): void {
	for (const kind of KINDS) {
		const names = hive.find([kind, "Names"], domain);
		if (names === undefined) continue;
		for (const account of hive.subkeys(names)) {
			if (accounts.size >= MAX_ACCOUNTS) return;
			const [value] = hive.values(account);
			if (value !== undefined && account.name !== "" && account.name.length <= MAX_NAME) {
				accounts.set(`${sid}-${value.type}`, account.name);
			}
		}
	}
}
