/**
 * For tests: guests at work between two images. Packages come and go by dpkg and rpm, files change as root or as a user
 * of the machine changes them, and the guest's logs tell of it in their own formats, by the true inodes.
 */
import { appendFile, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { runProgram } from "../packaging/guest/programs.ts";
import { type Needs, needs } from "../test/support/requires.ts";
import { type DebFiles, makeDeb, makeRpm, RpmRoot } from "./packages/testing.ts";
import { makeJournal } from "./who/testing.ts";

export { JOURNAL_REMOTE } from "./who/testing.ts";

const PASSWD = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n";
const GROUP = "root:x:0:\nalice:x:1000:\n";
const BOOT = "a".repeat(32);
const MACHINE = "b".repeat(32);

/** As `needs`, and root to mount what the kernel knows. */
export function needsMount(...programs: readonly string[]): Needs {
	const found = needs("mount", "umount", ...programs);
	if (found.skip !== false) return found;
	return process.getuid?.() === 0 ? found : { skip: "root is needed to mount" };
}

/** A filesystem in a file. */
export interface FilesystemPlace {
	readonly image: string;
	readonly type: "ext4" | "xfs";
	/** Bytes. */
	readonly offset?: number;
	readonly length?: number;
	/** Where in the guest it is mounted; the root comes first. */
	readonly point?: string;
}

/** Mounts a guest's filesystems while `work` runs; all is written when it resolves. */
export async function inGuest<T>(places: readonly FilesystemPlace[], work: (root: string) => Promise<T>): Promise<T> {
	const root = await mkdtemp(join(tmpdir(), "umbra-guest-"));
	await using mounts = new AsyncDisposableStack();
	mounts.defer(() => rm(root, { recursive: true }));
	for (const { image, type, offset = 0, length, point = "/" } of places) {
		const at = join(root, point);
		await mkdir(at, { recursive: true });
		const range = `offset=${offset}${length === undefined ? "" : `,sizelimit=${length}`}`;
		await runProgram("mount", [
			"-t",
			type,
			"-o",
			`loop,nouuid,${range}`.replace(type === "xfs" ? "" : "nouuid,", ""),
			image,
			at,
		]);
		mounts.defer(async () => {
			await runProgram("umount", [at]);
		});
	}
	return await work(root);
}

/** Who did something, as the kernel's audit knows a process. */
export interface Doer {
	readonly auid: number;
	readonly uid: number;
	readonly pid: number;
	readonly exe: string;
}

/** Of a process that no login led to. */
const UNSET = 0xffffffff;

type Deed = "create" | "write" | "rename" | "delete";

/** openat, rename and unlinkat of x86_64, and the flags of open(2), where it has some. */
const CALLS: Readonly<Record<Deed, string>> = {
	create: "syscall=257 success=yes exit=3 a0=ffffff9c a1=55d0c0de a2=241 a3=1b6",
	write: "syscall=257 success=yes exit=3 a0=ffffff9c a1=55d0c0de a2=201 a3=0",
	rename: "syscall=82 success=yes exit=0 a0=55d0c0de a1=55d0beef a2=0 a3=0",
	delete: "syscall=263 success=yes exit=0 a0=ffffff9c a1=55d0c0de a2=0 a3=0",
};

/** Writes auditd's log of a guest, in its RAW format. */
export class AuditLog {
	readonly #root: string;
	readonly #devices: ReadonlyMap<string, string>;
	#text = "";
	#serial = 700;

	/** @param devices mount point -> "major:minor" in the guest. */
	constructor(root: string, devices: ReadonlyMap<string, string>) {
		this.#root = root;
		this.#devices = devices;
	}

	/** Of a deletion before it is done, of all else afterwards. */
	async add(deed: Deed, path: string, { auid, uid, pid, exe }: Doer): Promise<void> {
		const id = `msg=audit(${(Date.now() / 1000).toFixed(3)}:${++this.#serial}):`;
		const inode = (await lstat(join(this.#root, path))).ino;
		const parent = (await lstat(join(this.#root, dirname(path)))).ino;
		const item = (name: string, number: number, nametype: string): string =>
			`name="${name}" inode=${number} dev=${this.#deviceOf(name)} mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=${nametype} cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0`;
		const folder = item(`${dirname(path)}/`, parent, "PARENT");
		const items = {
			create: [folder, item(path, inode, "CREATE")],
			write: [item(path, inode, "NORMAL")],
			rename: [folder, item(`${path}.dpkg-new`, inode, "DELETE"), item(path, inode, "CREATE")],
			delete: [folder, item(path, inode, "DELETE")],
		}[deed];
		const login = auid === UNSET ? "tty=(none) ses=4294967295" : "tty=pts0 ses=3";
		const ids = ["uid", "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid"].map((name) => `${name}=${uid}`);
		this.#text += [
			`type=SYSCALL ${id} arch=c000003e ${CALLS[deed]} items=${items.length} ppid=1 pid=${pid} auid=${auid} ${ids.join(" ")} ${login} comm="${basename(exe)}" exe="${exe}" subj=unconfined key="watched"`,
			`type=CWD ${id} cwd="/"`,
			...items.map((each, at) => `type=PATH ${id} item=${at} ${each}`),
			`type=PROCTITLE ${id} proctitle=${Buffer.from(basename(exe)).toString("hex").toUpperCase()}`,
			"",
		].join("\n");
	}

	async flush(): Promise<void> {
		const log = join(this.#root, "var/log/audit/audit.log");
		await mkdir(dirname(log), { recursive: true });
		await appendFile(log, this.#text);
		this.#text = "";
	}

	#deviceOf(path: string): string {
		const points = [...this.#devices].filter(([point]) => path.startsWith(point));
		return points.sort(([a], [b]) => b.length - a.length)[0]![1];
	}
}

/** alice logs in by ssh and stays: wtmp, and the journal, which knows the number of her session. */
async function logIn(root: string, folder: string, time: number): Promise<void> {
	const at = new Date(time * 1000).toISOString().replace("Z", "000+00:00").replace(".", ",");
	await writeFile(
		join(folder, "wtmp.txt"),
		`[7] [00812] [ts/0] [alice   ] [pts/0       ] [10.0.0.7            ] [10.0.0.7       ] [${at}]\n`,
	);
	await mkdir(join(root, "var/log/journal", MACHINE), { recursive: true });
	await runProgram("utmpdump", ["-r", "-o", join(root, "var/log/wtmp"), join(folder, "wtmp.txt")]);
	const message = "Accepted publickey for alice from 10.0.0.7 port 50022 ssh2: ED25519 SHA256:x";
	const journal = await makeJournal(folder, [
		{ time, boot: BOOT, fields: { SYSLOG_IDENTIFIER: "sshd", _PID: "810", MESSAGE: message } },
		{
			time: time + 0.1,
			boot: BOOT,
			fields: {
				MESSAGE_ID: "8d45620c1a4348dbb17410da57c60c66",
				...{ SESSION_ID: "3", USER_ID: "alice", LEADER: "810", MESSAGE: "New session 3 of user alice." },
			},
		},
	]);
	await runProgram("cp", [journal, join(root, "var/log/journal", MACHINE, "system.journal")]);
}

async function prepare(root: string, fstab: string, folders: readonly string[]): Promise<void> {
	for (const path of ["etc", "home/alice", "usr/bin", "usr/lib", "var/log/audit", ...folders]) {
		await mkdir(join(root, path), { recursive: true });
	}
	await symlink("usr/bin", join(root, "bin"));
	await writeFile(join(root, "etc/passwd"), PASSWD);
	await writeFile(join(root, "etc/group"), GROUP);
	await writeFile(join(root, "etc/fstab"), fstab);
	await writeFile(join(root, "etc/shadow"), "root:*:19000::::::\nalice:*:19000::::::\n");
}

const AS_ROOT = { auid: 1000, uid: 0 };

/** What alice, who became root, and a cron job do to files of no package, or against one. */
async function tamper(
	root: string,
	log: AuditLog,
	paths: { config: string; shipped: string; hit: string },
): Promise<void> {
	const put = async (path: string, content: string, doer: Doer): Promise<void> => {
		await writeFile(join(root, path), content);
		await log.add("write", path, doer);
	};
	await put(paths.config, "colour=red\n", { ...AS_ROOT, pid: 901, exe: "/usr/bin/vim.tiny" });
	await put(paths.shipped, "not what was shipped", { ...AS_ROOT, pid: 902, exe: "/usr/bin/cp" });
	await put(paths.hit, "h?", { auid: UNSET, uid: 0, pid: 903, exe: "/usr/sbin/cron" });
	await writeFile(join(root, "home/alice/notes.txt"), "mine");
	await runProgram("chown", ["1000:1000", join(root, "home/alice/notes.txt")]);
	await log.add("create", "/home/alice/notes.txt", { auid: 1000, uid: 1000, pid: 904, exe: "/usr/bin/nano" });
}

/** A machine with dpkg; `install` makes it, `work` is what happens between two images. */
export class DebianGuest {
	readonly #folder: string;
	readonly #devices: ReadonlyMap<string, string>;

	/** @param folder for what it needs on the way. @param devices as `AuditLog` takes them. */
	constructor(folder: string, devices: ReadonlyMap<string, string> = new Map([["/", "fe:01"]])) {
		this.#folder = folder;
		this.#devices = devices;
	}

	async install(root: string, fstab: string): Promise<void> {
		await prepare(root, fstab, ["tmp", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"]);
		await writeFile(join(root, "var/lib/dpkg/status"), "");
		await writeFile(join(root, "var/lib/dpkg/available"), "");
		await this.#dpkg(
			root,
			"-i",
			await this.#deb("grows", "1.0-1", { "/usr/bin/grows": "one", "/usr/share/grows/old": "o" }),
			await this.#deb("tool", "2-1", { "/usr/bin/tool": "shipped", "/etc/tool.conf": "colour=blue\n" }, [
				"/etc/tool.conf",
			]),
			await this.#deb("leaves", "3-1", { "/usr/bin/leaves": "l" }),
		);
	}

	/** An upgrade, an installation and a removal, while others tamper with files. @returns the audit log's text. */
	async work(root: string): Promise<void> {
		const log = new AuditLog(root, this.#devices);
		const dpkg = { ...AS_ROOT, pid: 900, exe: "/usr/bin/dpkg" };
		await logIn(root, this.#folder, Math.floor(Date.now() / 1000));
		await log.add("delete", "/usr/bin/leaves", dpkg);
		await this.#dpkg(root, "--remove", "leaves");
		await this.#dpkg(
			root,
			"-i",
			await this.#deb("grows", "1.1-1", { "/usr/bin/grows": "two", "/usr/share/grows/new": "n" }),
			await this.#deb("arrives", "0.1-1", { "/usr/lib/arrives/lib.so": "so", "/usr/lib/arrives/hit": "h" }),
		);
		for (const path of ["/usr/bin/grows", "/usr/lib/arrives/lib.so"]) await log.add("rename", path, dpkg);
		await tamper(root, log, { config: "/etc/tool.conf", shipped: "/usr/bin/tool", hit: "/usr/lib/arrives/hit" });
		await log.flush();
	}

	async #dpkg(root: string, ...args: readonly string[]): Promise<void> {
		const force = ["--force-unsafe-io", "--force-not-root", "--force-bad-path"];
		await runProgram("dpkg", [`--root=${root}`, "--log=/dev/null", ...force, ...args]);
	}

	async #deb(name: string, version: string, files: DebFiles, conffiles: readonly string[] = []): Promise<string> {
		return await makeDeb(this.#folder, { Package: name, Version: version, Architecture: "all" }, files, conffiles);
	}
}

/** A machine with rpm, whose /bin leads to usr/bin too. */
export class RpmGuest {
	readonly #folder: string;
	readonly #devices: ReadonlyMap<string, string>;

	constructor(folder: string, devices: ReadonlyMap<string, string> = new Map([["/", "fd:00"]])) {
		this.#folder = folder;
		this.#devices = devices;
	}

	async install(root: string, fstab: string): Promise<void> {
		await prepare(root, fstab, ["var/lib/rpm", "usr/share"]);
		const rpm = new RpmRoot(root);
		await rpm.rpm("--initdb");
		await rpm.rpm(
			...["--nodeps", "-i"],
			await this.#package("grows", "1.0", { "/usr/bin/grows": "one", "/usr/share/grows/old": "o" }),
			await this.#package(
				"tool",
				"2",
				{ "/usr/bin/tool": "shipped", "/etc/tool.conf": "colour=blue" },
				"/etc/tool.conf",
			),
			await this.#package("leaves", "3", { "/usr/bin/leaves": "l" }),
		);
	}

	async work(root: string): Promise<void> {
		const log = new AuditLog(root, this.#devices);
		const dnf = { ...AS_ROOT, pid: 900, exe: "/usr/bin/python3.9" };
		await logIn(root, this.#folder, Math.floor(Date.now() / 1000));
		const rpm = new RpmRoot(root);
		await log.add("delete", "/usr/bin/leaves", dnf);
		await rpm.rpm("--nodeps", "-e", "leaves");
		await rpm.rpm(
			...["--nodeps", "-U"],
			await this.#package("grows", "1.1", { "/usr/bin/grows": "two", "/usr/share/grows/new": "n" }),
			await this.#package("arrives", "0.1", { "/usr/lib/arrives/lib.so": "so", "/usr/lib/arrives/hit": "h" }),
		);
		for (const path of ["/usr/bin/grows", "/usr/lib/arrives/lib.so"]) await log.add("rename", path, dnf);
		await tamper(root, log, { config: "/etc/tool.conf", shipped: "/usr/bin/tool", hit: "/usr/lib/arrives/hit" });
		await log.flush();
	}

	async #package(name: string, version: string, files: Readonly<Record<string, string>>, config = ""): Promise<string> {
		const put = ([path, content]: [string, string]): string =>
			`mkdir -p .${dirname(path)}; printf '%s' '${content}' >.${path}`;
		return await makeRpm(this.#folder, {
			...{ name, version, install: Object.entries(files).map(put).join("\n") },
			files: Object.keys(files).map((path) => (path === config ? `%config(noreplace) ${path}` : path)),
		});
	}
}
