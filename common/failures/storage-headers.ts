/** Headers of disks, filesystems, watchdogs and of what is not the kernel's: systemd, initramfs-tools, dracut. See `headers.ts`. */
import { type HeaderRule, rule } from "./header-rule.ts";

const disk = (patterns: readonly string[]): HeaderRule =>
	// Drives of guests are often empty: that they cannot be read is nothing.
	rule("io-error", "I/O error on {disk}", patterns, {
		alone: true,
		accepts: ({ disk = "" }) => !/^(?:fd|sr|loop)\d/.test(disk),
	});

export const STORAGE_HEADERS: readonly HeaderRule[] = [
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
			"ALERT! {device:word} does not exist.",
			"Gave up waiting for root file system device.",
			"Gave up waiting for root device.",
			"dracut-initqueue[{n:number}]: Warning: Could not boot.",
		],
		{ alone: true },
	),
];
