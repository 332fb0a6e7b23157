/** A little system for a disk: accounts, settings, documents of every kind, logs, a table. The same for the same seed. */
import { createRandom, type Random } from "../../common/random.ts";
import { zip } from "./zip.ts";

export interface SeedFile {
	/** From the root of the filesystem, with a leading slash. */
	readonly path: string;
	readonly content: Uint8Array | string;
	/** Permission bits; 0o644 by default. */
	readonly mode?: number;
	readonly uid?: number;
	readonly gid?: number;
}

export interface User {
	readonly name: string;
	readonly uid: number;
}

export const USERS: readonly User[] = [
	{ name: "alice", uid: 1000 },
	{ name: "bob", uid: 1001 },
	{ name: "carol", uid: 1002 },
];

const DOCUMENTS_PER_USER = 24;
const LOG_LINES = 4000;
const ORDERS = 4000;
/** Unix seconds of the first line of every log: a fixed day, so that the disk depends on its seed only. */
const LOG_START = Date.UTC(2026, 0, 5, 6, 25, 1) / 1000;

/** About 200 files, 3 MiB. */
export function littleSystem(seed: number): SeedFile[] {
	const random = createRandom(seed);
	return [
		...accounts(),
		...settings(random),
		...logs(random),
		...USERS.flatMap((user) => home(user, random)),
		{ path: "/srv/db/orders.tbl", content: orders(random), mode: 0o640, uid: 33, gid: 33 },
		{ path: "/srv/www/index.html", content: `<!doctype html><title>Orders</title><p>${sentence(random)}\n`, uid: 33 },
	];
}

function accounts(): SeedFile[] {
	const people = USERS.map(({ name, uid }) => `${name}:x:${uid}:${uid}:${name}:/home/${name}:/bin/sh`);
	const service = ["daemon:x:1:1:daemon:/:/bin/false", "www-data:x:33:33:www-data:/srv/www:/bin/false"];
	const lines = (values: readonly string[]): string => `${values.join("\n")}\n`;
	return [
		{ path: "/etc/passwd", content: lines(["root:x:0:0:root:/root:/bin/sh", ...service, ...people]) },
		{
			path: "/etc/group",
			content: lines([
				"root:x:0:",
				"daemon:x:1:",
				"www-data:x:33:",
				...USERS.map(({ name, uid }) => `${name}:x:${uid}:`),
			]),
		},
		{
			path: "/etc/shadow",
			content: lines(["root:!:20458:0:99999:7:::", ...USERS.map(({ name }) => `${name}:!:20458:0:99999:7:::`)]),
			mode: 0o640,
			gid: 42,
		},
	];
}

function settings(random: Random): SeedFile[] {
	return [
		{ path: "/etc/hostname", content: "office\n" },
		{ path: "/etc/hosts", content: "127.0.0.1\tlocalhost\n127.0.1.1\toffice\n" },
		{ path: "/etc/fstab", content: "UUID=office / ext4 defaults 0 1\n" },
		{
			path: "/etc/ssh/sshd_config",
			content:
				"Port 22\nPermitRootLogin no\nPasswordAuthentication no\nX11Forwarding no\nSubsystem sftp internal-sftp\n",
		},
		{ path: "/etc/crontab", content: "25 6 * * * root run-parts /etc/cron.daily\n" },
		{ path: "/etc/cron.daily/logrotate", content: "#!/bin/sh\nexec logrotate /etc/logrotate.conf\n", mode: 0o755 },
		{ path: "/root/.profile", content: "umask 027\n", mode: 0o600 },
		...["ls", "cp", "sshd", "logrotate"].map((name) => ({
			path: `/usr/bin/${name}`,
			content: program(random),
			mode: 0o755,
		})),
	];
}

function logs(random: Random): SeedFile[] {
	const lines = (program: string, say: () => string): string => {
		let time = LOG_START;
		let text = "";
		for (let line = 0; line < LOG_LINES; line++) {
			time += random.between(1, 40);
			text += `${new Date(time * 1000).toISOString()} office ${program}[${random.between(300, 900)}]: ${say()}\n`;
		}
		return text;
	};
	return [
		{ path: "/var/log/syslog", content: lines("systemd", () => sentence(random)), mode: 0o640, gid: 4 },
		{
			path: "/var/log/auth.log",
			content: lines(
				"sshd",
				() => `session opened for user ${random.pick(USERS).name} from 10.0.0.${random.below(250)}`,
			),
			mode: 0o640,
			gid: 4,
		},
		{
			path: "/var/log/app.log",
			content: lines("orders", () => `GET /orders/${random.below(ORDERS)} 200 ${random.between(2, 90)}ms`),
			uid: 33,
		},
	];
}

function home(user: User, random: Random): SeedFile[] {
	const owner = { uid: user.uid, gid: user.uid };
	const documents = Array.from({ length: DOCUMENTS_PER_USER }, (_, index): SeedFile => {
		const kind = random.pick(KINDS);
		const topic = `${random.pick(WORDS)}-${random.pick(WORDS)}-${String(index + 1).padStart(2, "0")}`;
		return { path: `/home/${user.name}/documents/${topic}.${kind}`, content: document(kind, random), ...owner };
	});
	return [
		{ path: `/home/${user.name}/.profile`, content: "umask 027\n", ...owner },
		{ path: `/home/${user.name}/.ssh/authorized_keys`, content: sshKey(user, random), mode: 0o600, ...owner },
		...documents,
	];
}

function sshKey(user: User, random: Random): string {
	return `ssh-ed25519 ${random.bytes(51).toString("base64")} ${user.name}@office\n`;
}

const KINDS = ["txt", "md", "csv", "docx", "xlsx"] as const;

function document(kind: (typeof KINDS)[number], random: Random): Uint8Array | string {
	const body = paragraphs(random, random.between(8, 60));
	if (kind === "txt" || kind === "md") return body;
	if (kind === "csv") return csv(random, random.between(100, 800));
	const part = kind === "docx" ? "word/document.xml" : "xl/sharedStrings.xml";
	return zip({
		"[Content_Types].xml":
			'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
		[part]: `<?xml version="1.0"?><document>${body.replaceAll("\n\n", "</p><p>")}</document>`,
	});
}

function csv(random: Random, rows: number): string {
	let text = "date,customer,item,amount\n";
	for (let row = 0; row < rows; row++) {
		const day = String(random.between(1, 28)).padStart(2, "0");
		text += `2026-0${random.between(1, 9)}-${day},${random.pick(WORDS)},${random.pick(WORDS)},${random.below(9000)}.00\n`;
	}
	return text;
}

/** Rows of 128 bytes in the manner of a fixed-length table: id, customer, item, amount, padded with blanks. */
function orders(random: Random): string {
	let text = "";
	for (let id = 0; id < ORDERS; id++) {
		const row = `${String(id).padStart(8, "0")}|${random.pick(WORDS)}|${random.pick(WORDS)}|${random.below(90_000)}`;
		text += `${row.padEnd(127)}\n`;
	}
	return text;
}

/** An ELF header, then what has a program's entropy rather than that of noise. */
function program(random: Random): Buffer {
	const code = Buffer.alloc(random.between(24, 96) * 1024);
	code.write("\x7fELF\x02\x01\x01", "latin1");
	const opcodes = random.bytes(48);
	for (let at = 64; at < code.length; at++) {
		if (random.chance(0.6)) code[at] = random.chance(0.7) ? opcodes[random.below(opcodes.length)]! : random.below(256);
	}
	return code;
}

function paragraphs(random: Random, count: number): string {
	return `${Array.from({ length: count }, () =>
		Array.from({ length: random.between(2, 7) }, () => sentence(random)).join(" "),
	).join("\n\n")}\n`;
}

function sentence(random: Random): string {
	const words = Array.from({ length: random.between(5, 14) }, () => random.pick(WORDS)).join(" ");
	return `${words[0]!.toUpperCase()}${words.slice(1)}.`;
}

const WORDS = (
	"account agenda annual archive audit balance branch budget calendar client closing contract cost credit delivery " +
	"demand department draft estimate evening field figure filing finance folder forecast harbour invoice journal ledger " +
	"letter margin market meeting memo minutes morning notice offer office order panel payment plan policy price product " +
	"project proposal quarter quote receipt record region renewal report request result review river salary sample " +
	"schedule season section service shipment signal staff statement stock summary supply survey table target tender " +
	"timber travel treaty update vendor visit volume warehouse window winter yield"
).split(" ");
