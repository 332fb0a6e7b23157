/**
 * With which lines failures are told, first match first. Message formats are those of Linux 3.10 to 6.x (the kernel's own sources: mm/oom_kill.c,
 * kernel/hung_task.c, kernel/watchdog.c, kernel/rcu, arch/x86/mm/fault.c, arch/x86/kernel/dumpstack.c, lib/list_debug.c, mm/kasan, fs/ext4/super.c, ...), and
 * of systemd and initramfs-tools. A header stands where a message begins: text that merely mentions one is none.
 */
import type { Fields } from "./header-pattern.ts";
import { type HeaderRule, type RuleOptions, rule } from "./header-rule.ts";
import { STORAGE_HEADERS } from "./storage-headers.ts";

/** Lines of an oops that would begin one by themselves. */
const OOPS_PARTS = ["oops-line", "invalid-opcode", "warning"];
const oops = (what: string, patterns: readonly string[], options: RuleOptions = {}): HeaderRule =>
	rule("oops", `${what} in {FUNC}`, patterns, { group: "oops", absorbs: OOPS_PARTS, without: what, ...options });
const badAccess = { alternatives: ["bad access in {FUNC}"] };
const corrupted = (title: string, patterns: readonly string[], options: RuleOptions = {}): HeaderRule =>
	rule("memory-corruption", title, patterns, { absorbs: ["bug-at", ...OOPS_PARTS], ...options });
const LIST = { group: "list", absorbs: ["list", "bug-at", ...OOPS_PARTS] };
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
			"INFO: task {task} <reader> blocked on an rw-semaphore likely owned by task {owner} <",
			"INFO: task {task} <writer> blocked on an rw-semaphore likely owned by task {owner} <",
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

	...STORAGE_HEADERS,

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
