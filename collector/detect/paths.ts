/**
 * What a path in a guest is, told from its name alone: a critical system file, a log, a document, a
 * package manager's database. Tables first, so that adding a row is all it takes.
 *
 * A path is relative to its volume, and the mount table is not known here: `/boot` on a partition of its
 * own shows its kernel as `/vmlinuz-6.1`, a separate `/var` its log as `/log/syslog`. The patterns allow for both.
 *
 * Unix names are matched exactly; Windows names ignore case and take `\` for `/`.
 */
import type { Severity } from "../catalog/records.ts";

export interface CriticalRule {
	/** For people: "the user database". */
	readonly what: string;
	readonly severity: Severity;
	/** True where package managers replace such files in the ordinary course of an upgrade. */
	readonly packaged: boolean;
	readonly pattern: RegExp;
}

const CREDENTIAL = { severity: "critical", packaged: false } as const;
const BOOT = { severity: "critical", packaged: true } as const;
const SYSTEM = { severity: "warning", packaged: true } as const;

/** First match wins. */
const UNIX_CRITICAL: readonly CriticalRule[] = [
	{
		what: "user and password database",
		...CREDENTIAL,
		pattern: /^\/etc\/(passwd|shadow|group|gshadow|master\.passwd)$/,
	},
	{ what: "sudo rules", ...CREDENTIAL, pattern: /^\/(usr\/local\/)?etc\/(sudoers|doas\.conf|sudoers\.d\/.+)$/ },
	{ what: "preloaded library list", ...CREDENTIAL, pattern: /^\/etc\/ld\.so\.preload$/ },
	{ what: "SSH login keys", ...CREDENTIAL, pattern: /\/\.ssh\/authorized_keys2?$/ },
	{ what: "SSH private key", ...CREDENTIAL, pattern: /\/\.ssh\/id_[a-z0-9_]+$|^\/etc\/ssh\/ssh_host_[a-z0-9]+_key$/ },
	{ what: "SSH server settings", ...CREDENTIAL, pattern: /^\/etc\/ssh\/sshd_config(\.d\/.+)?$/ },
	{
		what: "login rules (PAM)",
		...CREDENTIAL,
		pattern: /^\/etc\/(pam\.conf|pam\.d\/.+|security\/[^/]+\.conf|nsswitch\.conf)$/,
	},
	{ what: "Kerberos keys", ...CREDENTIAL, pattern: /^\/etc\/krb5\.keytab$/ },
	{ what: "login module library (PAM)", ...BOOT, pattern: /^\/(usr\/)?lib(64)?\/([^/]+\/)?security\/pam_[^/]+\.so$/ },
	{
		what: "kernel or initial RAM disk",
		...BOOT,
		pattern: /^\/(boot\/)?(vmlinuz|vmlinux|initrd|initramfs|bzImage)[^/]*$/,
	},
	{
		what: "boot loader",
		...BOOT,
		pattern: /^\/(boot\/)?(grub2?\/(grub\.cfg|grubenv|.*\.mod|.*\.img)|loader\/.+\.conf|extlinux\/.+)$/,
	},
	{ what: "boot loader", ...BOOT, pattern: /^\/(boot\/)?(efi\/)?EFI\/.+\.efi$/i },
	{ what: "init program", ...BOOT, pattern: /^\/((usr\/)?s?bin\/init|init|(usr\/)?lib\/systemd\/systemd)$/ },
	{
		what: "scheduled jobs",
		...SYSTEM,
		pattern: /^\/etc\/(crontab|anacrontab|cron\.(d|hourly|daily|weekly|monthly)\/.+)$/,
	},
	{
		what: "scheduled jobs",
		...SYSTEM,
		packaged: false,
		pattern: /^\/(var\/)?spool\/(cron|at|cron\/crontabs)\/[^.][^/]*$/,
	},
	{
		what: "system service",
		...SYSTEM,
		pattern: /^\/(etc|usr\/lib|lib)\/systemd\/(system|user)\/.+\.(service|timer|socket|path|mount)$/,
	},
	{
		what: "start-up script",
		...SYSTEM,
		pattern: /^\/etc\/(inittab|rc\.local|init\.d\/.+|rc[0-6S]\.d\/.+|profile|profile\.d\/.+|bash\.bashrc|environment)$/,
	},
	{
		what: "kernel module settings",
		...SYSTEM,
		pattern: /^\/etc\/(modules|modprobe\.d\/.+|modules-load\.d\/.+|sysctl\.conf|sysctl\.d\/.+)$/,
	},
	{ what: "kernel module", ...SYSTEM, pattern: /^\/(usr\/)?lib\/modules\/.+\.ko(\.(gz|xz|zst))?$/ },
	{ what: "library search path", ...SYSTEM, pattern: /^\/etc\/ld\.so\.conf(\.d\/.+)?$/ },
	{
		what: "core system library",
		...SYSTEM,
		pattern:
			/^\/(usr\/)?lib(64)?\/([^/]+\/)?(ld-[^/]+\.so(\.\d+)?|lib(c|crypt|crypto|ssl|pam|nss_[a-z]+|pthread|dl|selinux|audit|systemd)[.-][^/]*so(\.[\d.]+)?)$/,
	},
	{
		what: "name resolution or trust store",
		...SYSTEM,
		pattern: /^\/etc\/(hosts|ssl\/certs\/ca-certificates\.crt|pki\/tls\/certs\/ca-bundle\.crt)$/,
	},
	{ what: "system program", ...SYSTEM, pattern: /^\/(usr\/|usr\/local\/)?s?bin\/[^/]+$/ },
];

const WINDOWS_CRITICAL: readonly CriticalRule[] = [
	{ what: "account database (registry hive)", ...CREDENTIAL, pattern: /^\/windows\/ntds\/ntds\.dit$/ },
	{ what: "boot loader", ...BOOT, pattern: /^\/(bootmgr|boot\/bcd|efi\/microsoft\/boot\/[^/]+(\.efi)?)$/ },
	{ what: "kernel", ...BOOT, pattern: /^\/windows\/system32\/(ntoskrnl\.exe|winload\.(exe|efi)|hal\.dll|ci\.dll)$/ },
	{
		what: "login process",
		...BOOT,
		pattern: /^\/windows\/system32\/(lsass|winlogon|lsasrv|utilman|sethc|osk|userinit)\.(exe|dll)$/,
	},
	{ what: "driver", ...SYSTEM, pattern: /^\/windows\/system32\/drivers\/.+\.sys$/ },
	{ what: "name resolution", ...SYSTEM, packaged: false, pattern: /^\/windows\/system32\/drivers\/etc\/hosts$/ },
	{ what: "scheduled task", ...SYSTEM, packaged: false, pattern: /^\/windows\/system32\/tasks\/(?!microsoft\/).+$/ },
	{
		what: "group policy script",
		...SYSTEM,
		packaged: false,
		pattern: /^\/windows\/system32\/grouppolicy\/.+\.(ini|pol|ps1|bat)$/,
	},
	{ what: "program started at login", ...SYSTEM, packaged: false, pattern: /\/start menu\/programs\/startup\/[^/]+$/ },
	{ what: "system program", ...SYSTEM, pattern: /^\/windows\/(system32|syswow64)\/[^/]+\.(exe|dll)$/ },
];

/**
 * Registry hives are databases that Windows writes all day: that one was modified says nothing. Only
 * that it was created, deleted, renamed or swapped for another file does.
 */
const WINDOWS_HIVE: CriticalRule = {
	what: "registry hive",
	...CREDENTIAL,
	pattern: /^\/windows\/system32\/config\/(sam|system|security|software|default)$/,
};

/** One cheap look before the tables: nearly every changed path fails it. */
const UNIX_GATE =
	/^\/(etc|usr|bin|sbin|lib|lib64|boot|var\/spool|spool|init|grub|loader|extlinux|efi|EFI|vmlinu|initr|bzImage)|\/\.ssh\//;
const WINDOWS_GATE = /^\/(windows|boot|efi)|\/startup\//i;

/** The rule that makes `path` critical, or undefined. `modifiedInPlace` tells a database at work from a replaced file. */
export function criticalRule(path: string, modifiedInPlace = false): CriticalRule | undefined {
	if (UNIX_GATE.test(path)) {
		// What dpkg and rpm unpack beside the real file is named after it and not yet live.
		const name = path.replace(/\.(dpkg-(new|tmp|old|dist)|rpm(new|save|orig))$/, "");
		if (name === path) {
			const rule = UNIX_CRITICAL.find((candidate) => candidate.pattern.test(path));
			if (rule !== undefined) return rule;
		}
	}
	const windows = windowsName(path);
	if (!WINDOWS_GATE.test(windows)) return undefined;
	if (WINDOWS_HIVE.pattern.test(windows)) return modifiedInPlace ? undefined : WINDOWS_HIVE;
	return WINDOWS_CRITICAL.find((candidate) => candidate.pattern.test(windows));
}

function windowsName(path: string): string {
	return path
		.replaceAll("\\", "/")
		.replace(/^\/?[A-Za-z]:(?=\/)/, "")
		.toLowerCase();
}

/** Where no program that gains its owner's rights by setuid belongs. */
const UNTRUSTED_FOLDER = /^\/(home|root|tmp|var\/(tmp|www|spool|mail)|dev|run|mnt|media)(\/|$)/;

export function isUntrustedFolder(path: string): boolean {
	return UNTRUSTED_FOLDER.test(path);
}

/** Files that only a package manager at work writes (its locks, which mere queries take, are left out). */
const PACKAGE_DATABASE =
	/^\/(var\/)?lib\/(dpkg\/(status|updates\/\d+|info\/[^/]+\.(list|md5sums|postinst|prerm))|rpm\/(Packages|rpmdb\.sqlite|Packages\.db)(-wal)?|pacman\/local\/.+)$|^\/usr\/lib\/sysimage\/rpm\/|^\/(lib|usr\/lib)\/apk\/db\/installed$|^\/windows\/(winsxs|servicing|softwaredistribution)\//i;

export function isPackageDatabase(path: string): boolean {
	return PACKAGE_DATABASE.test(path);
}

// ---- Logs ---------------------------------------------------------------------------------------

const LOG_FOLDER = /^\/(var\/)?log\/|\/logs?\/[^/]+$|^\/windows\/system32\/winevt\/logs\//i;
const LOG_NAME = /\.(log|out|err|journal|evtx|etl)$|\/(syslog|messages|catalina\.out|nohup\.out)$/i;
/** A log that was put away: `syslog.1`, `auth.log.2.gz`, `access.log-20260102`, `system@000…-….journal`. */
const ROTATED =
	/\.\d{1,4}$|\.\d{1,4}\.(log|gz|bz2|xz|zst|lz4)$|[-.]\d{8}([-.T_]?\d{0,6})?(\.(log|gz|bz2|xz|zst|lz4))?$|\.(gz|bz2|xz|zst|lz4|zip|old|bak)$|@[0-9a-f-]+\.journal~?$|\.journal~$/i;
/** Logs that grow in large steps and are then written within: what was written counts, not the size. */
const PREALLOCATED_LOG = /\.(journal|evtx|etl)$/i;
/** Logs that show who did what: an intruder clears these, an application never truncates them. */
const AUDIT_LOG =
	/^\/(var\/)?log\/(auth\.log|secure|syslog|messages|kern\.log|user\.log|cron(\.log)?|wtmp|btmp|lastlog|faillog|tallylog|audit\/audit\.log|sudo\.log|journal\/.+\.journal)$|\/\.(bash|zsh|ash|sh)_history$|\/winevt\/logs\/[^/]+\.evtx$/i;

/** A live log file, or one put away by rotation. */
export function isLog(path: string): boolean {
	return LOG_FOLDER.test(path) || LOG_NAME.test(path);
}

export function isRotatedLog(path: string): boolean {
	return ROTATED.test(path);
}

export function isPreallocatedLog(path: string): boolean {
	return PREALLOCATED_LOG.test(path);
}

export function isAuditLog(path: string): boolean {
	return AUDIT_LOG.test(path) && !ROTATED.test(path);
}

// ---- Documents ----------------------------------------------------------------------------------

/** What people would miss, by extension. `plain` types hold text or raw values: far below eight bits a byte. */
const PLAIN_DOCUMENTS =
	"txt md rst csv tsv rtf tex html htm xml json yaml yml toml ini conf cfg sql log doc xls ppt dot mdb accdb db sqlite sqlite3 dbf mdf ldf ibd myd frm pst ost eml msg vcf ics dwg dxf svg bmp tif tiff psd wav c h cc cpp hpp cs java js ts jsx tsx py rb go rs php pl sh ps1 bat swift kt scala lua r m ipynb css scss vue proto gradle pem key crt cer ovpn kml gpx shp stl obj vhd vhdx vmdk vdi qcow2";
const PACKED_DOCUMENTS =
	"docx xlsx pptx docm xlsm pptm dotx odt ods odp odg pages numbers keynote pdf epub mobi djvu jpg jpeg png gif webp heic raw cr2 nef arw dng mp3 flac ogg m4a aac mp4 mkv mov avi wmv webm m4v vsdx one kdbx p12 pfx indd ai eps sketch xd zip";
/** Packers of one stream; none of them can lock anything up. */
const COMPRESSED = "gz bz2 xz zst lz4 lzma z br tgz tbz txz";
/** Containers that take a password. One made of each document in its place is what some ransomware does. */
const LOCKABLE = "7z rar zip gpg pgp age aes enc";
/** Endings that editors, browsers, sync clients and people put on a file that stays what it was. */
const BENIGN_ENDINGS =
	"bak old orig save sav tmp temp swp swo part partial crdownload download new copy backup prev lock dpkg-new dpkg-old dpkg-dist dpkg-tmp rpmnew rpmsave rpmorig rej patch diff disabled example sample dist default template draft archive deleted removed done processed uploaded sent read unread trashinfo pid sock cache idx index pack rev lck wal shm journal db-wal db-shm sqlite-wal sqlite-shm sqlite-journal exe dll so o a pyc class jar war deb rpm apk iso img bin dat";

const words = (list: string): readonly string[] => list.split(" ");
const PLAIN = new Set(words(PLAIN_DOCUMENTS));
const DOCUMENT = new Set([...PLAIN, ...words(PACKED_DOCUMENTS)]);
const LOCKABLE_SET = new Set(words(LOCKABLE));
const KNOWN = new Set([...DOCUMENT, ...words(COMPRESSED), ...LOCKABLE_SET, ...words(BENIGN_ENDINGS)]);

/** Rebuilt at will by programs: nobody misses it, and it churns. */
const TRANSIENT =
	/^\/(var\/)?(tmp|cache)\/|^\/(dev|proc|sys|run)\/|\/(\.cache|__pycache__|node_modules|\.git|\.hg|\.svn|\.npm|\.cargo|\.m2|Cache|cache2|Code Cache|GPUCache|\.Trash|\.thumbnails|thumbnails)\/|\/(Temp|INetCache|Temporary Internet Files)\/|^\/(var\/)?lib\/(apt|dpkg|rpm|dnf|yum|pacman|docker|containerd|systemd)\//;

/** Lower case, without the dot; "" where there is none. A leading dot starts a hidden name, not an extension. */
export function extensionOf(path: string): string {
	const name = path.slice(path.lastIndexOf("/") + 1);
	const dot = name.lastIndexOf(".");
	return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
}

export function folderOf(path: string): string {
	const slash = path.lastIndexOf("/");
	return slash > 0 ? path.slice(0, slash) : "/";
}

export function isTransient(path: string): boolean {
	return TRANSIENT.test(path);
}

/** A file that people would miss: neither a log nor something that a program rebuilds. */
export function isDocument(path: string): boolean {
	return DOCUMENT.has(extensionOf(path)) && !isTransient(path) && !isLog(path);
}

/** True for documents whose type is far below eight bits a byte, so that content at the ceiling is out of place. */
export function isPlainDocument(path: string): boolean {
	return isDocument(path) && PLAIN.has(extensionOf(path));
}

export type Ending = "known" | "lockable" | "compressed" | "unknown" | "none";

const COMPRESSED_SET = new Set(words(COMPRESSED));

/** What a file's new ending says about it. Numbers, dates and `~` are what rotation and editors leave. */
export function endingOf(path: string): Ending {
	const extension = extensionOf(path);
	if (extension === "") return path.endsWith("~") ? "known" : "none";
	if (LOCKABLE_SET.has(extension)) return "lockable";
	if (COMPRESSED_SET.has(extension)) return "compressed";
	if (KNOWN.has(extension) || /^[\d_-]+$|~$/.test(extension)) return "known";
	return "unknown";
}

/** Programs and libraries, wherever they lie. */
const EXECUTABLE =
	/^\/(usr\/|usr\/local\/)?(s?bin|lib|lib64|libexec)\/|\.(exe|dll|sys|so|ko|efi|msi|scr|ps1|bat|cmd|vbs|sh|elf)$|\.so\.[\d.]+$/i;

export function isExecutable(path: string): boolean {
	return EXECUTABLE.test(path);
}
