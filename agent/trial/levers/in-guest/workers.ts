/**
 * Work that lasts in the guest: memory taken, processors kept busy, a disk written and read. Each worker is a shell in the background
 * that does what a file in its folder says, again and again; it ends when the file is gone. They are called umbra-memory, umbra-cpu and
 * umbra-io there, which a console that tells of a killed process shows.
 */
import { randomBytes } from "node:crypto";
import { UmbraError } from "../../../../common/errors.ts";
import { type GuestShell, numbersIn, untilFine } from "./shell.ts";

const PRELUDE = `
# Not with the agent's service: a service manager ends that where one of its processes is killed for want of memory.
for root in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup/memory; do
	{ echo 0 >"$root/cgroup.procs"; } 2>/dev/null
done
# Of the shell itself, also where that is a part of a pipeline. A newline would become part of the name.
enlist() {
	printf %s "$1" >/proc/self/comm
	read -r pid rest </proc/self/stat
	echo "$pid" >>"$folder/pids"
}
# Hundredths of a second after boot: no jump of the clock moves it.
now() {
	read -r up rest </proc/uptime
	cs=\${up%.*}\${up#*.}
}
folder=$1
`;

/**
 * The file says "hold KIB STEP" or "leak BYTES_PER_SECOND STEP"; memory is taken in steps of 4, 64 or 1024 KiB, as variables of a shell that
 * starts nothing, since where memory is short no large process can. Its clock is another's. What could not be leaked within a second is not
 * made up for.
 */
const MEMORY = `${PRELUDE}
tick() {
	while read -r how rest <"$folder/memory" && echo; do
		case $how in leak) sleep 0.2 ;; *) sleep 0.5 ;; esac
	done
}
take() {
	enlist umbra-memory
	c4=xxxxxxxxxxxxxxxx
	for twice in 1 2 3 4 5 6 7 8; do c4=$c4$c4; done
	c64=$c4$c4$c4$c4 c64=$c64$c64$c64$c64
	c1024=$c64$c64$c64$c64 c1024=$c1024$c1024$c1024$c1024
	has=0 n=0 last=
	while read -r tick && IFS= read -r want <"$folder/memory"; do
		now
		[ "$want" = "$last" ] || base=$has since=$cs last=$want
		set -- $want
		step=$3
		if [ "$1" = hold ]; then
			target=$2
		else
			target=$((base + $2 * (cs - since) / 102400)) most=$((has + $2 / 1024 + step))
			[ $target -le $most ] || base=$((base - target + most)) target=$most
		fi
		# Only so many at once: what it shall do may have changed.
		steps=0
		while [ $((has + step)) -le "$target" ] && [ $steps -lt 64 ]; do
			steps=$((steps + 1)) n=$((n + 1)) has=$((has + step))
			eval "m$n=\\$c$step s$n=$step"
		done
		while [ "$has" -gt "$target" ]; do
			eval "has=\\$((has - s$n))"
			unset m$n s$n
			n=$((n - 1))
		done
	done
}
tick | take
`;

/** The file says thousandths of a percent of one processor. What it started to wait counts as its work. */
const CPU = `${PRELUDE}
enlist umbra-cpu
used() {
	read -r stat </proc/self/stat
	set -- \${stat##*) }
	used=$((\${12} + \${13} + \${14} + \${15}))
}
last=
while IFS= read -r want <"$folder/cpu"; do
	now
	used
	[ "$want" = "$last" ] || since=$cs from=$used last=$want
	owed=$(((cs - since) * want / 100000 - used + from))
	# What could not be done for a third of a second is not made up for.
	[ $owed -le 30 ] || from=$((from - owed + 30))
	if [ $owed -gt 0 ]; then
		i=0
		while [ $i -lt 2000 ]; do i=$((i + 1)); done
	else
		sleep 0.2
	fi
done
`;

/**
 * The file says bytes a second, half of them written, half of them read again past the guest's cache where dd can do so. They go to a file of 16 MiB at
 * $2.
 */
const IO = `${PRELUDE}
enlist umbra-io
head -c 4194304 /dev/urandom >"$folder/data" || exit
write=conv=notrunc,fsync read=
dd if="$folder/data" of="$2" bs=64k count=1 oflag=direct 2>/dev/null && write='conv=notrunc oflag=direct' read=yes
at=0 last= reads=
while IFS= read -r want <"$folder/io"; do
	now
	[ "$want" = "$last" ] || since=$cs done=0 last=$want
	owed=$((want * (cs - since) / 100 - done))
	[ $owed -le "$want" ] || done=$((done + owed - want))
	blocks=$((owed / 65536))
	[ $blocks -le 64 ] || blocks=64
	if [ $blocks -le 0 ]; then
		sleep 0.2
	elif [ -n "$reads" ]; then
		dd if="$2" of=/dev/null bs=64k count=$blocks skip=$((at * 64)) iflag=direct 2>/dev/null
		done=$((done + blocks * 65536)) reads= at=$(((at + 1) % 4))
	else
		dd if="$folder/data" of="$2" bs=64k count=$blocks seek=$((at * 64)) $write 2>/dev/null
		done=$((done + blocks * 65536)) reads=$read
		[ -n "$reads" ] || at=$(((at + 1) % 4))
	fi
done
rm -f "$2"
`;

const SCRIPTS = { memory: MEMORY, cpu: CPU, io: IO } as const;
export type WorkerKind = keyof typeof SCRIPTS;

/** $1: its name. In memory where there is such a place, as a disk may be full. Tells the folder and how many processors there are. */
const MAKE_FOLDER = `
umask 077
for place in /run /dev/shm /tmp /var/tmp; do
	if mkdir "$place/$1" 2>/dev/null && true >"$place/$1/pids"; then
		echo "$place/$1"
		grep -c '^processor' /proc/cpuinfo || ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l
		exit
	fi
done
failed "the guest has no folder to work in"
`;

/**
 * $1: folder, $2: the file to work on, and behind these for each kind its name, what it shall do, its script, and how many of it are to be
 * started. What they shall do is written as a whole, since it is read all the time. Memory that is given back goes back to the kernel.
 */
const TELL = `
export MALLOC_MMAP_THRESHOLD_=65536
folder=$1 file=$2
shift 2
while [ $# -gt 0 ]; do
	echo "$2" >"$folder/new" && mv "$folder/new" "$folder/$1" || failed "cannot write in $folder"
	count=$4
	while [ "$count" -gt 0 ]; do
		sh -c "$3" umbra "$folder" "$file" </dev/null >/dev/null 2>&1 &
		count=$((count - 1))
	done
	shift 4
done
`;

/** "PID BYTES" of each worker that is there: what it has in memory and swapped out. */
const WORKERS = `
alive() {
	for pid in $(cat "$1/pids" 2>/dev/null); do
		{ IFS= read -r name <"/proc/$pid/comm"; } 2>/dev/null && [ -e "/proc/$pid/exe" ] || continue
		case $name in umbra-*) "$2" "$pid" ;; esac
	done
}
`;

const LOOK = `${WORKERS}
tell() {
	kib=0
	while read -r key value rest; do
		case $key in VmRSS: | VmSwap:) kib=$((kib + value)) ;; esac
	done <"/proc/$1/status"
	echo "$1 $((kib * 1024))"
}
alive "$1" tell
exit 0
`;

const STOP = `${WORKERS}
end() { kill -KILL "$1"; }
again() { left=yes; }
pids=$(cat "$1/pids" 2>/dev/null)
rm -f "$1/memory" "$1/cpu" "$1/io"
alive "$1" end
left=
alive "$1" again
[ -z "$left" ] || exit 0
rm -rf -- "$1"
[ -z "$2" ] || rm -f -- "$2"
[ ! -e "$1" ] || failed "the folder $1 cannot be removed"
echo 0
`;

/** A folder on a filesystem that lies on a disk, with room for twice what is written. */
const FIND_DISK = `
{
	printf '%s\\n' /var/tmp /var/lib /var /home
	while read -r device at rest; do
		case $device in /dev/*) printf '%s\\n' "$at" ;; esac
	done </proc/mounts
} | while read -r at; do
	[ -d "$at" ] || continue
	set -- $(df -P -k "$at" 2>/dev/null | sed -n '$s/ .* \\([0-9][0-9]*\\)  *[0-9][0-9]*% .*/ \\1/p')
	case $1 in /dev/*) ;; *) continue ;; esac
	[ "\${2:-0}" -ge 32768 ] && { true >"$at/$FILE"; } 2>/dev/null && echo "$at/$FILE" && break
done
exit 0
`;

/** What one kind of them is to do. */
interface Order {
	readonly kind: WorkerKind;
	readonly what: string;
	/** So many are started, where none are there. */
	readonly count: number;
}

/** All workers of one lever. In a guest under stress each script takes long, so that there are few. */
export class Workers {
	/** Of the guest. */
	readonly cpus: number;
	readonly #shell: GuestShell;
	readonly #folder: string;
	/** That umbra-io writes. */
	#file = "";
	/** How many of each kind. */
	readonly #started = new Map<WorkerKind, number>();

	private constructor(shell: GuestShell, folder: string, cpus: number) {
		this.#shell = shell;
		this.#folder = folder;
		this.cpus = cpus;
	}

	static async make(shell: GuestShell, signal: AbortSignal): Promise<Workers> {
		const name = `umbra-${randomBytes(6).toString("hex")}`;
		const [folder = "", cpus] = (await shell.run(MAKE_FOLDER, [name], signal)).split("\n");
		if (!folder.endsWith(`/${name}`)) throw new UmbraError("unavailable", "the guest made no folder to work in");
		return new Workers(shell, folder, Math.max(1, Math.trunc(Number(cpus)) || 1));
	}

	/**
	 * Tells each kind what to do from now on, and starts those that are not there yet.
	 *
	 * @throws UmbraError `unavailable`, `unsupported` where no disk is there to be written.
	 */
	async tell(orders: readonly Order[], signal: AbortSignal): Promise<void> {
		if (this.#file === "" && orders.some(({ kind }) => kind === "io")) await this.#findDisk(signal);
		const isNew = ({ kind }: Order) => !this.#started.has(kind);
		const args = orders.flatMap((order) => {
			const { kind, what, count } = order;
			return isNew(order) ? [kind, what, SCRIPTS[kind], count] : [kind, what, "", 0];
		});
		const started = orders.filter(isNew);
		await this.#shell.run(TELL, [this.#folder, this.#file, ...args], signal);
		for (const { kind, count } of started) this.#started.set(kind, count);
		if (started.length > 0) await untilFine(async () => this.#complaint(await this.#look(signal)), signal);
	}

	/** Bytes that they have in memory, all in all. @throws UmbraError `unavailable` where one has ended. */
	async memory(signal: AbortSignal): Promise<number> {
		const found = await this.#look(signal);
		const complaint = this.#complaint(found);
		if (complaint !== "") throw new UmbraError("unavailable", complaint);
		return found.reduce((sum, [, bytes = 0]) => sum + bytes, 0);
	}

	/** Ends them, and takes their files away. @throws UmbraError `unavailable` where they are still there. */
	async stop(signal: AbortSignal): Promise<void> {
		await untilFine(async () => {
			const gone = numbersIn(await this.#shell.run(STOP, [this.#folder, this.#file], signal)).length > 0;
			return gone ? "" : "what was started in the guest does not end";
		}, signal);
		this.#started.clear();
	}

	async #findDisk(signal: AbortSignal): Promise<void> {
		const name = `.umbra-${randomBytes(6).toString("hex")}`;
		const file = (await this.#shell.run(`FILE=$1\n${FIND_DISK}`, [name], signal)).trim();
		if (!file.endsWith(`/${name}`)) {
			throw new UmbraError("unsupported", "the guest has no filesystem on a disk with 32 MiB to spare");
		}
		this.#file = file;
	}

	async #look(signal: AbortSignal): Promise<number[][]> {
		return numbersIn(await this.#shell.run(LOOK, [this.#folder], signal));
	}

	#complaint(found: readonly unknown[]): string {
		const started = this.#started.values().reduce((sum, count) => sum + count, 0);
		if (found.length >= started) return "";
		return `${started - found.length} of ${started} processes that were started in the guest are gone; want of memory ends such`;
	}
}
