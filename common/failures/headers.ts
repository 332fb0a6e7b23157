/**
 * With which lines failures are told, first match first. Message formats are those of Linux 3.10 to 6.x (the kernel's own sources: mm/oom_kill.c,
 * kernel/hung_task.c, kernel/watchdog.c, kernel/rcu, arch/x86/mm/fault.c, arch/x86/kernel/dumpstack.c, lib/list_debug.c, mm/kasan, fs/ext4/super.c, ...), and
 * of systemd and initramfs-tools. A header stands where a message begins: text that merely mentions one is none.
 */
import type { FailureType } from "./failures.ts";
import { type Fields, type HeaderPattern, headerPattern } from "./header-pattern.ts";

export interface HeaderRule {
	readonly type: FailureType;
	/** With fields in braces; {FUNC} is the function that the report is about. */
	readonly title: string;
	/** Where it is not known what the title names. */
	readonly without: string;
	readonly alternatives: readonly string[];
	/** What a report may take for a part of itself goes by this name. */
	readonly group: string;
	/** Groups whose headers are a part of this one's report. */
	readonly absorbs: readonly string[];
	/** Where the function is looked for first: where the processor was, or in the call trace. */
	readonly where: "here" | "frame";
	/** It is one line, and nothing of what follows belongs to it. */
	readonly alone: boolean;
	/** Only where the kernel's own timestamp stood before it: many write such lines. */
	readonly stamped: boolean;
	readonly accepts: (fields: Fields) => boolean;
	readonly patterns: readonly HeaderPattern[];
}

type Options = Partial<Omit<HeaderRule, "type" | "title" | "patterns">>;

function rule(type: FailureType, title: string, patterns: readonly string[], options: Options = {}): HeaderRule {
	const defaults = {
		without: title.replace(/(?:: | in | of | on )?\{\w+\}.*$/, ""),
		alternatives: [],
		group: type,
		absorbs: [],
	};
	const usual = { where: "here", alone: false, stamped: false, accepts: () => true } as const;
	return { type, title, patterns: patterns.map(headerPattern), ...defaults, ...usual, ...options };
}

/** Lines of an oops that would begin one by themselves. */
const OOPS_PARTS = ["oops-line", "invalid-opcode", "warning"];
const oops = (what: string, patterns: readonly string[], options: Options = {}): HeaderRule =>
	rule("oops", `${what} in {FUNC}`, patterns, { group: "oops", absorbs: OOPS_PARTS, without: what, ...options });
const badAccess = { alternatives: ["bad access in {FUNC}"] };
const corrupted = (title: string, patterns: readonly string[], options: Options = {}): HeaderRule =>
	rule("memory-corruption", title, patterns, { absorbs: ["bug-at", ...OOPS_PARTS], ...options });
const LIST = { group: "list", absorbs: ["list", "bug-at", ...OOPS_PARTS] };
const disk = (patterns: readonly string[]): HeaderRule =>
	// Drives of guests are often empty: that they cannot be read is nothing.
	rule("io-error", "I/O error on {disk}", patterns, {
		alone: true,
		accepts: ({ disk = "" }) => !/^(?:fd|sr|loop)\d/.test(disk),
	});
const isChecksum = ({ rest = "", func = "" }: Fields): boolean =>
	/checksum|csum|crc/i.test(rest) || /csum|checksum/.test(func);

const PANIC = "Kernel panic - not syncing: ";

export const HEADERS: readonly HeaderRule[] = [
	// ---- Memory that is not what was written ----
	corrupted("KASAN: {kind} in {FUNC}", ["BUG: KASAN: {kind} in {func:function}"], {
		alternatives: ["bad access in {FUNC}"],
		where: "frame",
	}),
	corrupted("KASAN: {kind}", ["BUG: KASAN: {kind} on address", "BUG: KASAN: {kind}"]),
	corrupted("KFENCE: {kind} in {FUNC}", ["BUG: KFENCE: {kind} in {func:function}"], { where: "frame" }),
	corrupted(
		"list corruption in {FUNC}",
		[
			"list_add corruption. ",
			"list_add double add: ",
			"list_add corruption ",
			"list_del corruption. ",
			"list_del corruption, ",
			"slab_list corruption",
		],
		LIST,
	),
	corrupted(
		"list corruption in {FUNC}",
		[
			"kernel BUG at lib/list_debug.c:",
			"WARNING: at lib/list_debug.c:",
			"WARNING: CPU: {n:number} PID: {pid:number} at lib/list_debug.c:",
		],
		LIST,
	),
	corrupted("bad page state", ["BUG: Bad page state in process {comm}", "BUG: Bad page state: "]),
	corrupted("bad page map", ["BUG: Bad page map in process {comm}", "BUG: Bad page map: "]),
	corrupted("bad rss-counter state", ["BUG: Bad rss-counter state mm:"]),
	corrupted("bad swap entry", [
		"swap_free: Bad swap ",
		"swap_dup: Bad swap ",
		"get_swap_device: Bad swap ",
		"swap_info_get: Bad swap ",
	]),
	corrupted("slab {cache}: {kind}", [
		"BUG {cache:word} (Not tainted): {kind}",
		"BUG {cache:word} (Tainted: {taint}): {kind}",
	]),
	corrupted("slab {cache}: freelist corrupt", ["slub: Freechain corrupt in {cache:word}"]),
	corrupted("usercopy: {kind}", ["usercopy: Kernel memory {kind} attempt detected"]),
	corrupted("stack corruption in {func}", [`${PANIC}stack-protector: Kernel stack is corrupted in: {func:function}`]),
	corrupted("stack overflow", [
		`${PANIC}corrupted stack end detected inside scheduler`,
		`${PANIC}kernel stack overflow`,
		"BUG: stack guard page was hit at",
		"Insufficient stack space to handle exception!",
	]),
	corrupted("machine check", [
		`${PANIC}Fatal machine check`,
		`${PANIC}Machine check`,
		`${PANIC}Timeout: Not all CPUs entered broadcast exception handler`,
		"mce: [Hardware Error]: CPU {n:number}: Machine Check",
		"mce: [Hardware Error]: Machine check events logged",
		"[Hardware Error]: CPU {n:number}: Machine Check",
		"[Hardware Error]: Machine check: ",
		"Disabling lock debugging due to hardware failure",
	]),
	corrupted(
		"memory failure",
		[
			"Memory failure: 0x",
			"MCE 0x{page:hex}: ",
			"{edac:word} UE memory read error",
			"EDAC MC{n:number}: {count:number} UE ",
		],
		{ accepts: ({ edac = "EDAC" }) => edac.startsWith("EDAC") },
	),
	corrupted(
		"EXT4-fs: bad checksum in {func}",
		["EXT4-fs error (device {dev:word}): {func:function}:{n:number}: {rest}"],
		{ alone: true, accepts: isChecksum },
	),
	corrupted("XFS: bad checksum in {func}", ["XFS ({dev:word}): Metadata CRC error detected at {func:function}"], {
		alone: true,
	}),
	corrupted(
		"BTRFS: bad checksum",
		[
			"BTRFS warning (device {dev}): csum failed root",
			"BTRFS warning (device {dev}): checksum verify failed on",
			"BTRFS error (device {dev}): csum ",
			"BTRFS warning (device {dev}): checksum error at",
		],
		{ alone: true },
	),

	// ---- Deadlocks that lockdep sees ----
	rule(
		"deadlock",
		"possible deadlock in {FUNC}",
		[
			"WARNING: possible circular locking dependency detected",
			"[ INFO: possible circular locking dependency detected ]",
			"WARNING: possible recursive locking detected",
			"[ INFO: possible recursive locking detected ]",
			"WARNING: possible irq lock inversion dependency detected",
			"[ INFO: possible irq lock inversion dependency detected ]",
		],
		{ where: "frame" },
	),
	rule(
		"deadlock",
		"inconsistent lock state in {FUNC}",
		[
			"WARNING: inconsistent lock state",
			"[ INFO: inconsistent lock state ]",
			"WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected",
			"WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected",
			"WARNING: bad unlock balance detected!",
			"WARNING: Nested lock was not taken",
		],
		{ where: "frame" },
	),

	// ---- Processors that do not get on ----
	rule("hard-lockup", "hard lockup in {FUNC}", [
		"NMI watchdog: Watchdog detected hard LOCKUP on cpu {n:digits}",
		"Watchdog detected hard LOCKUP on cpu {n:digits}",
		"watchdog: Watchdog detected hard LOCKUP on cpu {n:digits}",
		"watchdog: CPU{n:number}: Watchdog detected hard LOCKUP on cpu",
		`${PANIC}Watchdog detected hard LOCKUP on cpu`,
	]),
	rule(
		"soft-lockup",
		"soft lockup in {FUNC}",
		[
			"BUG: soft lockup - CPU#{n:number} stuck for {s:number}s! [{task:last}]",
			"watchdog: BUG: soft lockup - CPU#{n:number} stuck for {s:number}s! [{task:last}]",
			"NMI watchdog: BUG: soft lockup - CPU#{n:number} stuck for {s:number}s! [{task:last}]",
		],
		{ without: "soft lockup of {comm}" },
	),
	rule(
		"rcu-stall",
		"RCU stall in {FUNC}",
		[
			"rcu: INFO: {flavour:word} self-detected stall on CPU",
			"rcu: INFO: {flavour:word} detected stalls on CPUs/tasks:",
			"rcu: INFO: {flavour:word} detected expedited stalls on CPUs/tasks:",
			"INFO: {flavour:word} self-detected stall on CPU",
			"INFO: {flavour:word} detected stalls on CPUs/tasks:",
			"INFO: {flavour:word} detected stalls on tasks:",
			"INFO: {flavour:word} detected expedited stalls on CPUs/tasks:",
			"rcu: {flavour:word} kthread starved for",
			"{flavour:word} kthread starved for {n:number} jiffies!",
		],
		{ accepts: ({ flavour = "" }) => flavour.startsWith("rcu_"), absorbs: ["rcu-stall"] },
	),
	rule("soft-lockup", "workqueue lockup", ["BUG: workqueue lockup - pool "]),
	rule(
		"hung-task",
		"hung task in {FUNC}",
		[
			"INFO: task {task:last} blocked for more than {n:number} seconds.",
			"INFO: task {task:last} blocked in I/O wait for more than {n:number} seconds.",
		],
		{ where: "frame", without: "hung task: {comm}", absorbs: ["hung-owner"] },
	),
	rule(
		"hung-task",
		"hung task: {comm}",
		[
			"INFO: task {task:last} is blocked on a mutex likely owned by task {owner}.",
			"INFO: task {task:last} is blocked on a rw-semaphore likely owned by task {owner}.",
			"INFO: task {task:last} is blocked on a semaphore likely last held by task {owner}.",
		],
		{ group: "hung-owner", alone: true },
	),

	// ---- Oopses ----
	oops("kernel BUG", ["kernel BUG at {file:word}"], {
		group: "bug-at",
		alternatives: ["kernel BUG at {file}"],
		without: "kernel BUG at {file}",
	}),
	oops(
		"NULL pointer dereference",
		[
			"BUG: unable to handle kernel NULL pointer dereference",
			"BUG: kernel NULL pointer dereference, address:",
			"Unable to handle kernel NULL pointer dereference at virtual address",
		],
		badAccess,
	),
	oops(
		"bad paging request",
		[
			"BUG: unable to handle kernel paging request",
			"BUG: unable to handle page fault for address:",
			"Unable to handle kernel paging request at virtual address",
			"Unable to handle kernel access to user memory outside uaccess routines",
		],
		badAccess,
	),
	oops(
		"general protection fault",
		[
			"general protection fault: {code:hex} [#",
			"general protection fault, probably for non-canonical address",
			"general protection fault, maybe for address",
			"Oops: general protection fault",
		],
		badAccess,
	),
	oops("divide error", ["divide error: {code:hex} [#", "Oops: divide error: "]),
	oops("stack segment fault", ["stack segment: {code:hex} [#", "Oops: stack segment: "], badAccess),
	oops(
		"double fault",
		[
			"PANIC: double fault, error_code:",
			"double fault: {code:hex} [#",
			"traps: PANIC: double fault, error_code:",
			"Oops: double fault: ",
		],
		{ group: "double-fault", absorbs: [...OOPS_PARTS, "double-fault"] },
	),
	oops("invalid opcode", ["invalid opcode: {code:hex} [#", "Oops: invalid opcode: "], { group: "invalid-opcode" }),
	oops("alignment check", [
		"alignment check: {code:hex} [#",
		"segment not present: {code:hex} [#",
		"int3: {code:hex} [#",
		"bounds: {code:hex} [#",
		"control protection fault",
	]),
	oops("oops", ["Oops: {code:hex} [#", "Internal error: Oops", "Internal error: ", "Unhandled fault: "], {
		group: "oops-line",
	}),
	oops("scheduling while atomic", ["BUG: scheduling while atomic: "], { where: "frame", absorbs: [] }),
	oops(
		"sleeping function called from invalid context",
		["BUG: sleeping function called from invalid context at {file:word}"],
		{ where: "frame", absorbs: [] },
	),
	oops("spinlock misused", ["BUG: spinlock ", "BUG: rwlock "], { where: "frame", absorbs: [] }),

	// ---- Memory that is not there ----
	rule("oom-kill", "OOM kill of {comm}", ["{invoker} invoked oom-killer: gfp_mask="], {
		without: "out of memory",
		absorbs: ["oom-killed"],
	}),
	rule(
		"oom-kill",
		"OOM kill of {comm}",
		[
			"Out of memory: Killed process {pid:number} ({victim:last})",
			"Out of memory: Kill process {pid:number} ({victim:last})",
			"Out of memory (oom_kill_allocating_task): Killed process {pid:number} ({victim:last})",
			"Out of memory (oom_kill_allocating_task): Kill process {pid:number} ({victim:last})",
			"Memory cgroup out of memory: Killed process {pid:number} ({victim:last})",
			"Memory cgroup out of memory: Kill process {pid:number} ({victim:last})",
			"Killed process {pid:number} ({victim:last}) total-vm:",
			"Killed process {pid:number} ({victim:last}), UID {uid:number}, total-vm:",
		],
		{ group: "oom-killed", alone: true },
	),
	rule(
		"oom-kill",
		"out of memory",
		["Out of memory and no killable processes...", "Out of memory: Out of memory and no killable processes..."],
		{ alone: true },
	),

	// ---- Panics ----
	rule("kernel-panic", "kernel panic: {reason}", [`${PANIC}{reason}`, "Kernel panic: {reason}"], {
		absorbs: ["oops-line"],
	}),

	// ---- Disks ----
	rule(
		"io-error",
		"I/O error on {disk}",
		["EXT4-fs warning (device {disk:word}): ext4_end_bio:{n:number}: I/O error"],
		{ alone: true },
	),
	disk([
		"I/O error, dev {disk:word} sector {sector:digits}",
		"I/O error, dev {disk:word}, sector {sector:digits}",
		"blk_update_request: I/O error, dev {disk:word}, sector {sector:digits}",
		"print_req_error: I/O error, dev {disk:word}, sector {sector:digits}",
		"end_request: I/O error, dev {disk:word}, sector {sector:digits}",
		"Buffer I/O error on device {disk:word}, logical block {block:digits}",
		"Buffer I/O error on dev {disk:word}, logical block {block:digits}",
		"lost page write due to I/O error on {disk:word}",
		"JBD2: Detected IO errors while flushing file data on {disk:word}",
		"JBD2: Detected IO errors {n:digits} while flushing file data on {disk:word}",
		"critical medium error, dev {disk:word}, sector {sector:digits}",
		"critical target error, dev {disk:word}, sector {sector:digits}",
		"critical space allocation error, dev {disk:word}, sector {sector:digits}",
		"critical nexus error, dev {disk:word}, sector {sector:digits}",
		"timeout error, dev {disk:word}, sector {sector:digits}",
		"blk_update_request: critical medium error, dev {disk:word}, sector {sector:digits}",
		"blk_update_request: critical target error, dev {disk:word}, sector {sector:digits}",
		"blk_update_request: critical space allocation error, dev {disk:word}, sector {sector:digits}",
		"end_request: critical target error, dev {disk:word}, sector {sector:digits}",
		"end_request: critical medium error, dev {disk:word}, sector {sector:digits}",
	]),
	rule(
		"io-error",
		"I/O timeout on {disk}",
		[
			"nvme {disk:word} I/O {n:number} QID {q:number} timeout",
			"nvme {disk:word} I/O tag {n} timeout",
			"nvme {disk:word} controller is down; will reset",
		],
		{ alone: true },
	),
	rule("io-error", "I/O error on {disk}", ["sd {address:word} [{disk:word}] {rest}"], {
		alone: true,
		stamped: true,
		accepts: ({ rest = "" }) =>
			/FAILED Result: |Unrecovered read error|rejecting I\/O to (?:offline|dead) device/.test(rest),
	}),
	rule("io-error", "I/O error on {disk}", ["{disk:word} exception Emask 0x"], {
		alone: true,
		accepts: ({ disk = "" }) => /^ata\d+(?:\.\d+)?:$/.test(disk),
	}),

	// ---- Filesystems ----
	rule(
		"remount-read-only",
		"EXT4-fs remounted read-only",
		[
			"EXT4-fs ({dev:word}): Remounting filesystem read-only",
			"EXT3-fs ({dev:word}): error: remounting filesystem read-only",
		],
		{ alone: true },
	),
	rule(
		"remount-read-only",
		"BTRFS forced read-only",
		["BTRFS info (device {dev}): forced readonly", "BTRFS: forced readonly"],
		{ alone: true },
	),
	rule("remount-read-only", "FAT set read-only", ["FAT-fs ({dev:word}): Filesystem has been set read-only"], {
		alone: true,
	}),
	rule(
		"filesystem-error",
		"EXT4-fs: journal aborted",
		[
			"Aborting journal on device {dev:word}",
			"EXT4-fs error (device {dev:word}): {func:function}:{n:number}: comm {comm}: Detected aborted journal",
			"EXT4-fs error (device {dev:word}): {func:function}:{n:number}: Detected aborted journal",
			"EXT4-fs error (device {dev:word}) in {func:function}:{n:number}: Journal has aborted",
		],
		{ alone: true },
	),
	rule(
		"filesystem-error",
		"EXT4-fs error in {func}",
		[
			"EXT4-fs error (device {dev:word}): {func:function}:{n:number}: {rest}",
			"EXT4-fs error (device {dev:word}) in {func:function}:{n:number}: {rest}",
			"EXT3-fs error (device {dev:word}): {func:function}: {rest}",
			"EXT2-fs ({dev:word}): error: {func:function}: {rest}",
		],
		{ alone: true },
	),
	rule(
		"filesystem-error",
		"EXT4-fs: I/O error while writing superblock",
		[
			"EXT4-fs ({dev:word}): I/O error while writing superblock",
			"EXT4-fs ({dev:word}): previous I/O error to superblock detected",
		],
		{ alone: true },
	),
	rule(
		"filesystem-error",
		"EXT4-fs: data lost",
		[
			"EXT4-fs ({dev:word}): Delayed block allocation failed for inode",
			"EXT4-fs ({dev:word}): failed to convert unwritten extents",
			"EXT4-fs ({dev:word}): This should not happen!! Data will be lost",
		],
		{ alone: true },
	),
	rule(
		"filesystem-error",
		"JBD2: journal superblock not written",
		[
			"JBD2: Error {error} detected when updating journal superblock for",
			"JBD2: I/O error when updating journal superblock for",
			"JBD2: I/O error detected when updating journal superblock for",
		],
		{ alone: true },
	),
	rule("filesystem-error", "XFS: internal error in {func}", [
		"XFS ({dev:word}): Internal error {what} at line {n:number} of file {file:word} Caller {func:function}",
		"XFS ({dev:word}): Internal error {what} at line {n:number} of file {file:word}",
	]),
	rule("filesystem-error", "XFS: corruption in {func}", [
		"XFS ({dev:word}): Metadata corruption detected at {func:function}",
		"XFS ({dev:word}): Corruption detected in {func:function}",
	]),
	rule(
		"filesystem-error",
		"XFS: metadata I/O error",
		[
			"XFS ({dev:word}): metadata I/O error",
			"XFS ({dev:word}): Metadata I/O error",
			"XFS ({dev:word}): Log I/O Error Detected",
			"XFS ({dev:word}): log I/O error",
			"XFS ({dev:word}): writeback error on",
		],
		{ alone: true },
	),
	rule(
		"filesystem-error",
		"XFS: shut down",
		[
			"XFS ({dev:word}): Corruption of in-memory data",
			"XFS ({dev:word}): Corruption detected. Unmount and run xfs_repair",
			"XFS ({dev:word}): xfs_do_force_shutdown(",
			"XFS ({dev:word}): Filesystem has been shut down",
			"XFS ({dev:word}): I/O Error Detected. Shutting down filesystem",
			"XFS ({dev:word}): User initiated shutdown",
		],
		{ alone: true },
	),
	rule(
		"filesystem-error",
		"BTRFS error",
		["BTRFS error (device {dev}): ", "BTRFS critical (device {dev}): ", "BTRFS: error (device {dev}) in "],
		{ alone: true },
	),
	rule("filesystem-error", "FAT error", ["FAT-fs ({dev:word}): error, "], { alone: true }),

	// ---- Watchdogs, and the machine that starts anew ----
	rule(
		"watchdog",
		"transmit queue of {nic} timed out",
		[
			"NETDEV WATCHDOG: {nic:word} ({driver}): transmit queue {n:number} timed out",
			"NETDEV WATCHDOG: CPU: {n:number}: transmit queue {queue:number} timed out",
			"{driver:word} {address:word} {nic:word} NETDEV WATCHDOG: CPU: {n:number}: transmit queue",
		],
		{ without: "transmit queue timed out", absorbs: ["warning"] },
	),
	rule("watchdog", "systemd watchdog: {unit}", ["systemd[1]: {unit:word} Watchdog timeout (limit"], { alone: true }),
	rule(
		"reboot",
		"rebooted by the guest",
		["reboot: Restarting system", "Restarting system.", "sysrq: Resetting", "SysRq : Resetting"],
		{ alone: true, stamped: true },
	),
	rule("reboot", "shut down by the guest", ["reboot: Power down", "reboot: System halted"], {
		alone: true,
		stamped: true,
	}),
	rule(
		"emergency-mode",
		"systemd: emergency mode",
		[
			"You are in emergency mode. After logging in",
			"Welcome to emergency mode! After logging in",
			"You are in rescue mode. After logging in",
			"Cannot open access to console, the root account is locked.",
			"Reached target Emergency Mode.",
			"Reached target emergency.target",
			"systemd[1]: Reached target Emergency Mode",
			"systemd[1]: Reached target emergency.target",
			"Entering emergency mode. Exit the shell to continue.",
			'Generating "/run/initramfs/rdsosreport.txt"',
		],
		{ alone: true },
	),
	rule("emergency-mode", "systemd: froze", ["systemd[1]: Freezing execution", "[!!!!!!] Freezing execution"], {
		alone: true,
	}),
	rule(
		"emergency-mode",
		"initramfs: root device missing",
		[
			"ALERT! {device} does not exist. Dropping to a shell!",
			"Gave up waiting for root file system device.",
			"Gave up waiting for root device.",
			"dracut-initqueue[{n:number}]: Warning: Could not boot.",
		],
		{ alone: true },
	),

	// ---- What has a report and no name here ----
	rule(
		"unclassified",
		"WARNING in {FUNC}",
		[
			"WARNING: CPU: {n:number} PID: {pid:number} at {file:word} {func:function}",
			"WARNING: CPU: {n:number} PID: {pid:number} at {file:word}",
			"WARNING: at {file:word} {func:function}",
		],
		{ group: "warning", where: "frame" },
	),
	rule("unclassified", "UBSAN: {kind}", ["UBSAN: {kind} in {file}", "UBSAN: Undefined behaviour in {file}"], {
		where: "frame",
	}),
	rule("unclassified", "BUG: {rest}", ["BUG: {rest}"], { stamped: true, where: "frame", absorbs: OOPS_PARTS }),
];
