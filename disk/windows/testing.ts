/** For the tests of this folder: hives that hivex, and chntpw's reged, have written. */
import { writeFile } from "node:fs/promises";
import { run } from "../ext/testing.ts";

/** A hive with a root key and nothing else, for hivex to fill: it cannot make one. */
export function emptyHive(binBytes = 4096): Buffer {
	const bytes = Buffer.alloc(4096 + binBytes);
	bytes.write("regf", 0, "latin1");
	bytes.writeUInt32LE(1, 4);
	bytes.writeUInt32LE(1, 8);
	bytes.writeUInt32LE(1, 20);
	bytes.writeUInt32LE(3, 24);
	bytes.writeUInt32LE(1, 32);
	bytes.writeUInt32LE(0x20, 36);
	bytes.writeUInt32LE(binBytes, 40);
	bytes.writeUInt32LE(1, 44);
	const bin = bytes.subarray(4096);
	bin.write("hbin", 0, "latin1");
	bin.writeUInt32LE(binBytes, 8);
	const key = 0x20;
	const security = key + 96;
	const free = security + 64;
	bin.writeInt32LE(-96, key);
	bin.write("nk", key + 4, "latin1");
	bin.writeUInt16LE(0x2c, key + 6);
	for (const at of [32, 36, 44, 48, 52]) bin.writeUInt32LE(0xffffffff, key + at);
	bin.writeUInt32LE(security, key + 48);
	bin.writeUInt16LE(4, key + 76);
	bin.write("root", key + 80, "latin1");
	bin.writeInt32LE(-64, security);
	bin.write("sk", security + 4, "latin1");
	bin.writeUInt32LE(security, security + 8);
	bin.writeUInt32LE(security, security + 12);
	bin.writeUInt32LE(1, security + 16);
	bin.writeUInt32LE(20, security + 20);
	bin.writeUInt16LE(0x8001, security + 24);
	bin.writeInt32LE(binBytes - free, free);
	let sum = 0;
	for (let at = 0; at < 508; at += 4) sum = (sum ^ bytes.readUInt32LE(at)) >>> 0;
	bytes.writeUInt32LE(sum, 508);
	return bytes;
}

/** The root key of `emptyHive`, without the length of its cell. */
export const ROOT_KEY = 4096 + 0x24;
/** Where its free space begins, counted from the first bin. */
export const FREE = 0x20 + 96 + 64;

/** Puts a cell at `offset`, counted from the first bin. @returns the offset behind it. */
export function putCell(hive: Buffer, offset: number, content: Buffer): number {
	const size = Math.ceil((4 + content.length) / 8) * 8;
	hive.writeInt32LE(-size, 4096 + offset);
	content.copy(hive, 4096 + offset + 4);
	return offset + size;
}

export async function makeHive(path: string, commands: readonly string[]): Promise<void> {
	await writeFile(path, emptyHive());
	await writeFile(`${path}.commands`, [...commands, "commit", "quit", ""].join("\n"));
	await run("hivexsh", ["-w", "-f", `${path}.commands`, path]);
}

/** An account by its number, as the keys of a SAM have it. */
export interface TestAccount {
	readonly kind: "Users" | "Groups" | "Aliases";
	readonly name: string;
	readonly rid: number;
}

/** Commands of hivexsh that make a SAM. */
export function samCommands(
	machineId: Buffer,
	machine: readonly TestAccount[],
	builtin: readonly TestAccount[],
): string[] {
	const commands = ["add SAM", "cd SAM", "add Domains", "cd Domains"];
	for (const [domain, accounts] of [
		["Account", machine],
		["Builtin", builtin],
	] as const) {
		commands.push(`add ${domain}`, `cd ${domain}`);
		if (domain === "Account") {
			const v = Buffer.concat([Buffer.alloc(200), Buffer.from([1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0]), machineId]);
			commands.push("setval 2", "F", "hex:3:00", "V", `hex:3:${hex(v)}`);
		}
		for (const kind of ["Users", "Groups", "Aliases"] as const) {
			commands.push(`add ${kind}`, `cd ${kind}`, "add Names", "cd Names");
			for (const { name, rid } of accounts.filter((each) => each.kind === kind)) {
				commands.push(`add ${name}`, `cd ${name}`, "setval 1", "@", `hex:${rid}:`, "cd ..");
			}
			commands.push("cd ..");
			for (const { kind: each, name, rid } of accounts)
				if (each === kind && kind === "Users") commands.push(...userKey(name, rid));
			commands.push("cd ..");
		}
		commands.push("cd ..");
	}
	return commands;
}

/** What chntpw wants to list a user: V holds the name, at 0xcc, F the account's flags. */
function userKey(name: string, rid: number): string[] {
	const text = Buffer.from(name, "utf16le");
	const v = Buffer.concat([Buffer.alloc(0xcc), text]);
	v.writeUInt32LE(text.length, 0x10);
	const key = rid.toString(16).toUpperCase().padStart(8, "0");
	return [
		`add ${key}`,
		`cd ${key}`,
		"setval 2",
		"F",
		`hex:3:${hex(Buffer.alloc(80))}`,
		"V",
		`hex:3:${hex(v)}`,
		"cd ..",
	];
}

/** A self-relative SECURITY_DESCRIPTOR that lets everyone do everything. [MS-DTYP] 2.4.6 */
export function descriptorOf(owner: string, group: string): Buffer {
	const everyone = sidBytes("S-1-1-0");
	const acl = Buffer.alloc(16);
	acl.writeUInt8(2, 0);
	acl.writeUInt16LE(acl.length + everyone.length, 2);
	acl.writeUInt16LE(1, 4);
	acl.writeUInt16LE(8 + everyone.length, 10);
	acl.writeUInt32LE(0x1f01ff, 12);
	const parts = [Buffer.alloc(20), acl, everyone, sidBytes(owner), sidBytes(group)];
	const [head] = parts as [Buffer];
	head.writeUInt8(1, 0);
	head.writeUInt16LE(0x8004, 2);
	const ownerAt = 20 + acl.length + everyone.length;
	head.writeUInt32LE(ownerAt, 4);
	head.writeUInt32LE(ownerAt + parts[3]!.length, 8);
	head.writeUInt32LE(20, 16);
	return Buffer.concat(parts);
}

function sidBytes(sid: string): Buffer {
	const [, , authority, ...numbers] = sid.split("-");
	const bytes = Buffer.alloc(8 + 4 * numbers.length);
	bytes.writeUInt8(1, 0);
	bytes.writeUInt8(numbers.length, 1);
	bytes.writeUIntBE(Number(authority), 2, 6);
	for (const [i, number] of numbers.entries()) bytes.writeUInt32LE(Number(number), 8 + 4 * i);
	return bytes;
}

function hex(bytes: Buffer): string {
	return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(",");
}
