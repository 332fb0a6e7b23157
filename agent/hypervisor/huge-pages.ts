/**
 * Keeps a machine's RAM in huge pages. Write-protecting RAM takes a step a page, in which the guest stands still: 2 GiB in
 * huge pages take 4 ms, in small ones 50. A snapshot of RAM leaves small ones behind, as QEMU lifts the protection page
 * after page, and the kernel takes hours to join them by itself, while the guest is the slower for it.
 *
 * Only what is memory as a whole is joined (each of its pages is the machine's alone, and none is the page of zeroes that all
 * share), so that no machine comes to take more; unless that is asked for. Needs Linux 6.1 (MADV_COLLAPSE), CAP_SYS_NICE and
 * CAP_SYS_PTRACE.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { KernelTree } from "../proc/tree.ts";

/** Mappings that are smaller are none of the machine's RAM. */
const LEAST_BYTES = 64 * 2 ** 20;
/** A guest of some TiB; it is worth no more. */
const TIMEOUT_MS = 120_000;

/**
 * Node makes no such system calls: pidfd_open and process_madvise, whose numbers are the same on x86-64 and arm64. An entry
 * of pagemap is eight bytes, the last of which says that the page is there (0x80) and mapped here alone (0x01).
 */
const PROGRAM = `
use strict;
my ($pid, $least, $left) = @ARGV;
my $huge = 2 ** 21;
my $process = syscall(434, $pid + 0, 0);
die "pidfd_open: $!\\n" if $process < 0;
open(my $pages, "<:raw", "/proc/$pid/pagemap") or die "pagemap: $!\\n";
open(my $maps, "<", "/proc/$pid/maps") or die "maps: $!\\n";
open(my $memory, "<", "/proc/meminfo") or die "meminfo: $!\\n";
sub hasRoom {
	seek($memory, 0, 0);
	my %kib = map { /^(\\w+): +(\\d+)/ ? ($1, $2) : () } <$memory>;
	return $kib{MemAvailable} > $kib{MemTotal} * $left;
}
my ($joined, $short) = (0, 0);
for my $line (<$maps>) {
	next unless $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw.p 0+ 00:00 0 *$/;
	my ($start, $end) = (hex $1, hex $2);
	next if $end - $start < $least;
	for (my $at = $start + (-$start) % $huge; $at + $huge <= $end; $at += $huge) {
		sysseek($pages, $at / 512, 0) or die "pagemap: $!\\n";
		my $bytes = "";
		last unless sysread($pages, $bytes, 4096) == 4096;
		unless ($bytes =~ /\\A(?:.{7}\\x81)*\\z/s) {
			next unless $left < 1 && $bytes =~ /[^\\0]/;
			$short ||= hasRoom() ? 0 : 1;
			next if $short;
		}
		my $range = pack("QQ", $at, $huge);
		my $done = syscall(440, $process, $range, 1, 25, 0);
		if ($done >= 0) { $joined++; next; }
		# There is no room for one, or it is not to be: the next may do. Whatever else there is stays so.
		die "process_madvise: $!\\n" unless $!{EAGAIN} || $!{ENOMEM} || $!{EBUSY} || $!{EINVAL};
	}
}
print "$joined $short";
`;

/**
 * Never fails: where it cannot be done, RAM stays as it is.
 *
 * @param pid QEMU's process
 * @param left what QEMU only ever read, and mapped for that, becomes memory too, while more than this share of the host's memory
 * is available; 1: none of it
 * @returns huge pages that RAM has now, those that it had included; undefined where that is not known
 */
export async function joinHugePages(pid: number, log: Logger, { left = 1 } = {}): Promise<number | undefined> {
	const wanted = new KernelTree().text("/sys/kernel/mm/transparent_hugepage/enabled");
	// Who has switched them off has a reason.
	if (wanted === undefined || wanted.includes("[never]")) return undefined;
	const args = ["-MErrno", "-e", PROGRAM, String(pid), String(LEAST_BYTES), String(left)];
	try {
		const { stdout } = await promisify(execFile)("perl", args, { timeout: TIMEOUT_MS });
		const [joined, short] = stdout.split(" ").map(Number);
		if (short === 1)
			log.debug({ pid, left }, "the host has too little memory to preallocate all of this machine's RAM");
		return joined;
	} catch (error) {
		log.debug({ pid, reason: messageOf(error) }, "RAM stays in the pages that it has");
		return undefined;
	}
}
