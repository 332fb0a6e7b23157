import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cpuTimeMs } from "../../test/support/cpu-time.ts";
import {
	criticalRule,
	endingOf,
	extensionOf,
	folderOf,
	isAuditLog,
	isDocument,
	isExecutable,
	isLog,
	isPackageDatabase,
	isPlainDocument,
	isRotatedLog,
} from "./paths.ts";

describe("criticalRule", () => {
	const critical = [
		"/etc/passwd",
		"/etc/shadow",
		"/etc/sudoers",
		"/etc/sudoers.d/ops",
		"/etc/ld.so.preload",
		"/root/.ssh/authorized_keys",
		"/home/ann/.ssh/authorized_keys",
		"/ann/.ssh/authorized_keys",
		"/etc/ssh/sshd_config",
		"/etc/ssh/sshd_config.d/10.conf",
		"/etc/ssh/ssh_host_ed25519_key",
		"/etc/pam.d/sshd",
		"/usr/lib/x86_64-linux-gnu/security/pam_unix.so",
		"/boot/vmlinuz-6.1.0-41-amd64",
		"/vmlinuz-6.1.0-41-amd64",
		"/boot/grub/grub.cfg",
		"/grub/grub.cfg",
		"/EFI/debian/grubx64.efi",
		"/sbin/init",
		"/usr/lib/systemd/systemd",
		"/Windows/System32/config/SAM",
		"/WINDOWS/system32/CONFIG/system",
		"C:\\Windows\\NTDS\\ntds.dit",
		"/Windows/System32/ntoskrnl.exe",
	];
	const warning = [
		"/etc/crontab",
		"/etc/cron.d/backup",
		"/var/spool/cron/crontabs/root",
		"/spool/cron/root",
		"/etc/systemd/system/x.service",
		"/usr/bin/ssh",
		"/bin/busybox",
		"/usr/local/bin/deploy",
		"/lib/x86_64-linux-gnu/libc.so.6",
		"/usr/lib/libcrypto.so.3",
		"/lib/modules/6.1/kernel/net/x.ko.xz",
		"/etc/hosts",
		"/Windows/System32/drivers/disk.sys",
		"/Windows/System32/Tasks/Updater",
		"/etc/init.d/S99x",
	];
	const none = [
		"/etc/resolv.conf",
		"/etc/passwd-",
		"/etc/mtab",
		"/etc/ld.so.cache",
		"/home/ann/.ssh/known_hosts",
		"/home/ann/passwd",
		"/home/ann/etc/shadow",
		"/ETC/PASSWD",
		"/var/lib/x/etc/passwd",
		"/usr/share/doc/bash/README",
		"/usr/lib/python3/dist-packages/a.pyc",
		"/usr/bin/ssh.dpkg-new",
		"/home/ann/windows/system32/config/sam",
		"/Windows/System32/Tasks/Microsoft/Windows/x",
		"/opt/app/bin/run",
		"/etc/cups/subscriptions.conf",
		"",
	];
	for (const path of critical)
		it(`finds ${path} critical`, () => assert.equal(criticalRule(path)?.severity, "critical"));
	for (const path of warning)
		it(`finds ${path} worth a warning`, () => assert.equal(criticalRule(path)?.severity, "warning"));
	for (const path of none) it(`lets ${path || "an empty path"} be`, () => assert.equal(criticalRule(path), undefined));

	it("lets Windows write its registry, but not lose it", () => {
		assert.equal(criticalRule("/Windows/System32/config/SOFTWARE", true), undefined);
		assert.equal(criticalRule("/Windows/System32/config/SOFTWARE", false)?.severity, "critical");
	});
});

describe("logs", () => {
	it("knows live logs, rotated ones and those of who did what", () => {
		for (const path of [
			"/var/log/syslog",
			"/log/messages",
			"/srv/app/logs/access",
			"/opt/x/server.log",
			"/Windows/System32/winevt/Logs/Security.evtx",
		])
			assert.equal(isLog(path), true, path);
		for (const path of ["/home/ann/catalogue.txt", "/var/lib/x.db"]) assert.equal(isLog(path), false, path);
		for (const path of [
			"/var/log/syslog.1",
			"/var/log/auth.log.12.gz",
			"/var/log/nginx/access.log-20260102",
			"/var/log/a.log-20260102.gz",
			"/var/log/journal/x/system@00ab-0001.journal",
			"/var/log/x.old",
		])
			assert.equal(isRotatedLog(path), true, path);
		for (const path of ["/var/log/syslog", "/var/log/auth.log", "/var/log/journal/x/system.journal"])
			assert.equal(isRotatedLog(path), false, path);
		for (const path of [
			"/var/log/auth.log",
			"/var/log/wtmp",
			"/root/.bash_history",
			"/var/log/journal/x/system.journal",
		])
			assert.equal(isAuditLog(path), true, path);
		for (const path of [
			"/var/log/auth.log.1",
			"/var/log/nginx/access.log",
			"/var/log/journal/x/system@00ab-0001.journal",
		])
			assert.equal(isAuditLog(path), false, path);
	});
});

describe("documents", () => {
	it("are what people would miss", () => {
		for (const path of ["/home/ann/a.docx", "/srv/share/B.PDF", "/data/shop.sqlite", "/home/ann/code/main.c"])
			assert.equal(isDocument(path), true, path);
		for (const path of [
			"/tmp/a.docx",
			"/home/ann/.cache/x.png",
			"/home/ann/p/node_modules/a/index.js",
			"/var/log/x.log",
			"/home/ann/noext",
			"/home/ann/.txt",
			"/usr/bin/ls",
		])
			assert.equal(isDocument(path), false, path);
		assert.equal(isPlainDocument("/home/ann/a.csv"), true);
		assert.equal(isPlainDocument("/home/ann/a.jpg"), false);
	});

	it("have endings that say what became of them", () => {
		const table: readonly (readonly [string, string])[] = [
			["/a/x.docx.locked", "unknown"],
			["/a/x.WNCRY", "unknown"],
			["/a/x.docx.id-7F3A.[mail@x.y].ruin", "unknown"],
			["/a/x.docx.7z", "lockable"],
			["/a/x.txt.gz", "compressed"],
			["/a/x.docx.bak", "known"],
			["/a/x.txt~", "known"],
			["/a/x.log.3", "known"],
			["/a/x", "none"],
			["/a/.x", "none"],
			["/a.b/x", "none"],
		];
		for (const [path, ending] of table) assert.equal(endingOf(path), ending, path);
		assert.equal(extensionOf("/a.d/x.TAR.GZ"), "gz");
		assert.equal(folderOf("/x"), "/");
		assert.equal(folderOf("/a/b/x"), "/a/b");
	});
});

describe("isExecutable and isPackageDatabase", () => {
	it("go by place and ending", () => {
		for (const path of ["/usr/bin/x", "/home/ann/run.sh", "/opt/x/lib.so.1.2", "/Windows/a.DLL"])
			assert.equal(isExecutable(path), true, path);
		assert.equal(isExecutable("/home/ann/a.txt"), false);
		for (const path of [
			"/var/lib/dpkg/status",
			"/lib/dpkg/info/a.list",
			"/var/lib/rpm/rpmdb.sqlite",
			"/lib/apk/db/installed",
			"/Windows/WinSxS/x",
		])
			assert.equal(isPackageDatabase(path), true, path);
		for (const path of [
			"/var/lib/dpkg/lock",
			"/var/lib/dpkg/lock-frontend",
			"/var/lib/apt/lists/x",
			"/home/x/var/lib/dpkg/status",
		])
			assert.equal(isPackageDatabase(path), false, path);
	});
});

describe("names that a hostile guest chooses", () => {
	it("are classified in linear time", () => {
		const parts = ["so.", "so", "1.", ".so.1", "@0-", "20260101", "/a", "lib", "-", "/.ssh", "../", ".journal"];
		for (const part of parts) {
			const path = `/lib/x/libc.${part.repeat(Math.ceil(16_000 / part.length))}/z`;
			const classify = () => {
				for (let at = 0; at < 20; at++) {
					criticalRule(path);
					isLog(path);
					isRotatedLog(path);
					isDocument(path);
					isExecutable(path);
					isPackageDatabase(path);
				}
			};
			const usedMs = cpuTimeMs(classify, 500);
			assert.ok(usedMs < 500, `${part}: ${usedMs} ms`);
		}
	});
});
