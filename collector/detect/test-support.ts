/**
 * Builders for tests: valid records, a seeded source of randomness, and what happens inside real guests, as the
 * file changes that a capture of it shows.
 */
import type { ChangesetRecord, FileChangeRecord } from "../catalog/records.ts";
import { EMPTY_BASELINE } from "./baseline.ts";
import { entropyCeiling } from "./entropy.ts";
import { type Assessment, assess } from "./features.ts";
import { DEFAULT_DETECT_SETTINGS } from "./settings.ts";
import { EMPTY_MEMORY, type TriggerInput } from "./triggers/trigger.ts";

export const START = 1_760_000_000;

/** Uniform numbers in [0, 1) (mulberry32). */
export function random(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

let inodes = 100;

export function fileChange(path: string, part: Partial<FileChangeRecord> = {}): FileChangeRecord {
	const change = part.change ?? "modified";
	const size = part.sizeAfter ?? 8000;
	const sizes = {
		sizeBefore: change === "created" ? 0 : size,
		sizeAfter: change === "deleted" ? 0 : size,
	};
	return {
		disk: "vda",
		volume: "1",
		change,
		path,
		type: "file",
		inode: inodes++,
		changedBytes:
			change === "deleted" || change === "metadata" || change === "renamed" ? 0 : Math.ceil(size / 4096) * 4096,
		entropyBefore: change === "modified" ? 4.6 : null,
		entropyAfter: change === "modified" || change === "created" ? 4.7 : null,
		uid: 0,
		gid: 0,
		owner: "root",
		group: "root",
		mode: 0o100644,
		mtime: START,
		...sizes,
		...part,
	};
}

export function changeset(
	files: readonly FileChangeRecord[],
	seconds = 60,
	part: Partial<ChangesetRecord> = {},
): ChangesetRecord {
	const bytes = files.reduce((sum, file) => sum + (Number.isFinite(file.changedBytes) ? file.changedBytes : 0), 0);
	const total = bytes + 32768;
	return {
		id: `c-${seconds}`,
		baseId: "",
		vm: "web-1",
		vmUuid: "",
		agentId: "a",
		host: "host-1",
		sequence: "1",
		time: (BigInt(START + seconds) * 1_000_000_000n).toString(),
		consistency: "crash",
		captureMs: 200,
		pauseMs: 5,
		disks: [
			{
				disk: "vda",
				sizeBytes: 64 * 2 ** 30,
				root: "0".repeat(64),
				mode: "tracked",
				reason: "",
				dirtyBytes: total,
				readBytes: total,
				changedBytes: Math.ceil(total / 65536) * 65536,
				entropyBefore: null,
				entropyAfter: null,
				attribution: { total, file: bytes, directory: 8192, journal: 16384, metadata: 8192, free: 0, unknown: 0 },
				volumes: [
					{
						id: "1",
						offset: 2 ** 20,
						length: 60 * 2 ** 30,
						kind: "ext4",
						label: "",
						files: 100_000,
						usedBytes: 20 * 2 ** 30,
						freeBytes: 40 * 2 ** 30,
					},
				],
				problems: [],
			},
		],
		fileCount: files.length,
		verdict: null,
		...part,
	};
}

/** A trigger's input for a first, unlearned changeset. */
export function triggerInput(files: readonly FileChangeRecord[], part: Partial<TriggerInput> = {}): TriggerInput {
	const record = part.changeset ?? changeset(files);
	const assessment: Assessment = assess(record, files, 60);
	return {
		changeset: record,
		files,
		assessment,
		baseline: EMPTY_BASELINE,
		memory: EMPTY_MEMORY,
		time: START + 60,
		settings: DEFAULT_DETECT_SETTINGS,
		...part,
	};
}

const MIXED = ["docx", "txt", "xlsx", "pdf", "csv", "jpg", "md", "odt", "html", "doc"];
const PACKED = new Set(["docx", "xlsx", "pdf", "jpg", "odt"]);

/** Names of documents as a small office has them, spread over folders. */
export function documents(count: number, extensions: readonly string[] = MIXED): string[] {
	return Array.from({ length: count }, (_, at) => {
		const extension = extensions[at % extensions.length];
		return `/home/user${at % 3}/Documents/${["letters", "accounts", "plans", "photos"][at % 4]}/file-${at}.${extension}`;
	});
}

/** What a document of this name shows before anything happened to it. */
function entropyOf(path: string): number {
	return PACKED.has(path.slice(path.lastIndexOf(".") + 1)) ? 7.82 : 4.6;
}

const sized = (at: number) => 900 + ((at * 7919) % 60_000);

export const ransomware = {
	/** Same name, same inode, other content. */
	inPlace: (paths: readonly string[]) =>
		paths.map((path, at) => {
			const size = sized(at);
			const before = Math.min(entropyOf(path), entropyCeiling(size) - 0.1) * (size < 4096 ? 0.6 : 1);
			return fileChange(path, {
				sizeAfter: size,
				sizeBefore: size,
				entropyBefore: before,
				entropyAfter: entropyCeiling(size),
			});
		}),
	/** The content of the same inode, then its name. */
	renaming: (paths: readonly string[], ending = "locked") =>
		paths.map((path, at) => {
			const size = sized(at);
			return fileChange(`${path}.${ending}`, {
				change: "renamed",
				oldPath: path,
				sizeAfter: size + 64,
				sizeBefore: size,
				changedBytes: Math.ceil(size / 4096) * 4096,
				entropyBefore: entropyOf(path),
				entropyAfter: entropyCeiling(size),
			});
		}),
	/** A new file beside each, then the original removed. */
	replacing: (paths: readonly string[], name: (path: string, at: number) => string = (path) => `${path}.crypt`) =>
		paths.flatMap((path, at) => [
			fileChange(path, { change: "deleted", sizeBefore: sized(at) }),
			fileChange(name(path, at), { change: "created", sizeAfter: sized(at), entropyAfter: entropyCeiling(sized(at)) }),
		]),
};

/** What happens in ordinary life and looks like harm to a rule that looks at one number. */
export const ordinary = {
	aptUpgrade: () => [
		fileChange("/var/lib/dpkg/status", { sizeAfter: 600_000 }),
		...Array.from({ length: 6 }, (_, at) => fileChange(`/var/lib/dpkg/info/pkg${at}.list`)),
		fileChange("/var/log/dpkg.log", { sizeBefore: 30_000, sizeAfter: 50_000, changedBytes: 24_576 }),
		fileChange("/var/cache/apt/pkgcache.bin", { sizeAfter: 30_000_000, entropyBefore: 3.5, entropyAfter: 3.5 }),
		...["openssl", "ssh", "sudo", "bash", "curl"].map((name) =>
			fileChange(`/usr/bin/${name}`, { sizeAfter: 900_000, entropyBefore: null, entropyAfter: 6.1, mode: 0o100755 }),
		),
		fileChange("/usr/lib/x86_64-linux-gnu/libssl.so.3", { sizeAfter: 700_000, entropyBefore: null, entropyAfter: 6.0 }),
		fileChange("/boot/vmlinuz-6.1.0-41-amd64", { change: "created", sizeAfter: 8_000_000, entropyAfter: 7.99 }),
		fileChange("/boot/initrd.img-6.1.0-41-amd64", { change: "created", sizeAfter: 40_000_000, entropyAfter: 7.98 }),
		fileChange("/usr/lib/systemd/system/ssh.service"),
		...Array.from({ length: 300 }, (_, at) =>
			fileChange(`/usr/share/doc/pkg${at}/changelog.gz`, { entropyAfter: 7.9 }),
		),
	],
	logrotate: () => [
		fileChange("/var/log/syslog.1", {
			change: "renamed",
			oldPath: "/var/log/syslog",
			sizeBefore: 30_000_000,
			sizeAfter: 30_000_000,
		}),
		fileChange("/var/log/syslog", { change: "created", sizeAfter: 2000 }),
		fileChange("/var/log/auth.log.1", { change: "renamed", oldPath: "/var/log/auth.log", sizeAfter: 900_000 }),
		fileChange("/var/log/auth.log", { change: "created", sizeAfter: 100 }),
		...Array.from({ length: 20 }, (_, at) => [
			fileChange(`/var/log/app${at}/app.log.2.gz`, { change: "created", sizeAfter: 900_000, entropyAfter: 7.95 }),
			fileChange(`/var/log/app${at}/app.log.1`, { change: "deleted", sizeBefore: 9_000_000 }),
		]).flat(),
	],
	copyTruncate: () => [
		fileChange("/var/log/syslog", { sizeBefore: 30_000_000, sizeAfter: 4000, changedBytes: 4096 }),
		fileChange("/var/log/syslog.1", { change: "created", sizeAfter: 30_000_000 }),
	],
	photoImport: () =>
		Array.from({ length: 300 }, (_, at) =>
			fileChange(`/home/ann/Pictures/2026/${at % 7}/IMG_${at}.jpg`, {
				change: "created",
				sizeAfter: 4_000_000,
				entropyAfter: 7.94,
				uid: 1000,
			}),
		),
	gitClone: () =>
		Array.from({ length: 2000 }, (_, at) =>
			at % 2 === 0
				? fileChange(`/home/ann/src/project/.git/objects/${at % 256}/${at}`, {
						change: "created",
						sizeAfter: 800,
						entropyAfter: entropyCeiling(800),
					})
				: fileChange(`/home/ann/src/project/src/${at % 50}/file${at}.ts`, { change: "created", sizeAfter: 6000 }),
		),
	gitCheckout: () =>
		Array.from({ length: 400 }, (_, at) =>
			fileChange(`/home/ann/src/project/src/${at % 50}/file${at}.ts`, { entropyBefore: null, sizeAfter: 6000 }),
		),
	databaseCheckpoint: () => [
		...Array.from({ length: 60 }, (_, at) =>
			fileChange(`/var/lib/postgresql/15/main/base/16384/${24_000 + at}`, {
				sizeAfter: 80_000_000,
				changedBytes: 2_000_000,
				entropyBefore: 5.1,
				entropyAfter: 5.4,
			}),
		),
		fileChange("/srv/app/data.sqlite", {
			sizeAfter: 900_000_000,
			changedBytes: 60_000_000,
			entropyBefore: 5.0,
			entropyAfter: 7.6,
		}),
		...Array.from({ length: 40 }, (_, at) =>
			fileChange(`/var/lib/mysql/shop/table${at}.ibd`, {
				sizeAfter: 40_000_000,
				changedBytes: 900_000,
				entropyBefore: 4.2,
				entropyAfter: 5.2,
			}),
		),
	],
	zipBackup: () => [
		fileChange("/home/ann/backup-2026-11.zip", { change: "created", sizeAfter: 900_000_000, entropyAfter: 7.99 }),
		fileChange("/home/ann/holiday.mp4", { change: "created", sizeAfter: 400_000_000, entropyAfter: 7.98 }),
	],
	zipAndDelete: () => [
		fileChange("/home/ann/old.zip", { change: "created", sizeAfter: 9_000_000, entropyAfter: 7.99 }),
		...documents(60).map((path) => fileChange(path, { change: "deleted" })),
	],
	gzipDocuments: () =>
		documents(40, ["txt", "csv"]).flatMap((path) => [
			fileChange(path, { change: "deleted" }),
			fileChange(`${path}.gz`, { change: "created", sizeAfter: 3000, entropyAfter: entropyCeiling(3000) }),
		]),
	oneEncryptedFile: () => [
		fileChange("/home/ann/Documents/diary.txt", { change: "deleted" }),
		fileChange("/home/ann/Documents/diary.txt.gpg", {
			change: "created",
			sizeAfter: 9000,
			entropyAfter: entropyCeiling(9000),
		}),
	],
	officeMorning: () => [
		...documents(40, ["docx", "xlsx", "pdf"]).map((path) =>
			fileChange(path, { sizeAfter: 60_000, entropyBefore: 7.8, entropyAfter: 7.83, uid: 1000 }),
		),
		...documents(12, ["txt", "md"]).map((path) =>
			fileChange(path, { sizeAfter: 9000, entropyBefore: 4.5, entropyAfter: 4.6, uid: 1000 }),
		),
	],
	renamesToBackup: () => documents(50).map((path) => fileChange(`${path}.bak`, { change: "renamed", oldPath: path })),
	mailSync: () =>
		Array.from({ length: 200 }, (_, at) =>
			fileChange(`/home/ann/.thunderbird/x.default/ImapMail/m${at % 3}/f${at}.msf`, {
				entropyBefore: 4,
				entropyAfter: 4.2,
			}),
		),
} as const;
