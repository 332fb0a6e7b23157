/**
 * Holds the RAM that clones share: one memfd a block, filled once, then sealed, so that nothing changes it any more. An
 * inflating balloon in a clone has QEMU punch holes into the file behind its RAM: of a sealed one the kernel refuses that.
 * The guest feels the pressure all the same.
 *
 * Node makes no memfds, so a few lines of perl do; the descriptor is reached through /proc. The process fills the memory
 * itself, so that it counts for the trials' control group; it ends when its input does.
 */
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { UmbraError } from "../../common/errors.ts";
import { type Confinement, TrialProcess } from "./process.ts";

/** memfd_create(2), by the name that perl has of the machine. */
const PROGRAM = `
use strict;
my %call = (x86_64 => 319, aarch64 => 279);
my ($name, $machine, @sizes) = @ARGV;
my $number = $call{$machine} or die "memfd_create is not known on $machine\\n";
$| = 1;
binmode STDIN;
my @files;
for my $size (@sizes) {
	my $label = "$name\\0";
	my $fd = syscall($number, $label, 3);
	die "memfd_create: $!\\n" if $fd < 0;
	open(my $file, "+<&=", $fd) or die "$!\\n";
	truncate($file, $size) or die "truncate: $!\\n";
	push @files, $file;
}
print join(" ", map { fileno($_) } @files), "\\n";
while (1) {
	my $head = take(24);
	last unless defined $head;
	my ($index, $offset, $length) = unpack("Q>Q>Q>", $head);
	last if $index == 2 ** 32;
	sysseek($files[$index], $offset, 0) or die "seek: $!\\n";
	while ($length > 0) {
		my $bytes = "";
		my $got = sysread(STDIN, $bytes, $length > 1048576 ? 1048576 : $length);
		exit 0 unless $got;
		for (my $at = 0; $at < $got;) {
			my $put = syswrite($files[$index], $bytes, $got - $at, $at);
			die "write: $!\\n" unless $put;
			$at += $put;
		}
		$length -= $got;
	}
}
for my $file (@files) { fcntl($file, 1033, 15) or die "seal: $!\\n"; }
print "sealed\\n";
sysread(STDIN, my $end, 1);
sub take {
	my ($wanted) = @_;
	my $bytes = "";
	while (length($bytes) < $wanted) {
		my $got = sysread(STDIN, $bytes, $wanted - length($bytes), length($bytes));
		exit 0 unless $got;
	}
	return $bytes;
}
`;
const HEAD_BYTES = 24;
const SEAL = 2 ** 32;
const MACHINES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

export interface KeeperOptions {
	/** Bytes of each block. */
	readonly sizes: readonly number[];
	/** Exists; what the process says goes there. */
	readonly folder: string;
	readonly mark: string;
	readonly confinement: Confinement;
}

export class MemoryKeeper implements AsyncDisposable {
	readonly process: TrialProcess;
	readonly #lines: Interface;
	readonly #next: AsyncIterator<string>;
	#descriptors: readonly number[] = [];
	#writtenBytes = 0;

	private constructor(process: TrialProcess) {
		this.process = process;
		this.#lines = createInterface({ input: process.child.stdout as NodeJS.ReadableStream });
		this.#next = this.#lines[Symbol.asyncIterator]();
		// That it ended is told by what is asked of it next.
		process.child.stdin?.on("error", () => undefined);
	}

	/** @throws UmbraError `unavailable`, `limit` where there is no memory for it. */
	static async start({ sizes, ...options }: KeeperOptions): Promise<MemoryKeeper> {
		const machine = MACHINES[process.arch] ?? process.arch;
		const started = await TrialProcess.start({
			...options,
			command: ["perl", "-e", PROGRAM, "umbra-trial", machine, ...sizes.map(String)],
			stdin: "pipe",
			stdout: "pipe",
			log: "memory.log",
			maxFileBytes: 0,
		});
		const keeper = new MemoryKeeper(started);
		try {
			keeper.#descriptors = (await keeper.#line()).split(" ").map(Number);
			return keeper;
		} catch (error) {
			await keeper[Symbol.asyncDispose]();
			throw error;
		}
	}

	/** Bytes of RAM that are not zeroes. */
	get writtenBytes(): number {
		return this.#writtenBytes;
	}

	/** Of a block, as a file that can be mapped. */
	path(block: number): string {
		return `/proc/${this.process.id.pid}/fd/${this.#descriptors[block]}`;
	}

	/** The bytes are not to be changed afterwards. @throws UmbraError `unavailable`, `limit`. */
	async write(block: number, offset: number, bytes: Uint8Array): Promise<void> {
		await this.#send(block, offset, bytes.length, bytes);
		this.#writtenBytes += bytes.length;
	}

	/** From now on nothing changes it. @throws UmbraError `unavailable`, `limit`. */
	async seal(): Promise<void> {
		await this.#send(SEAL, 0, 0);
		await this.#line();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#lines.close();
		await this.process[Symbol.asyncDispose]();
	}

	async #send(block: number, offset: number, length: number, bytes?: Uint8Array): Promise<void> {
		const { stdin } = this.process.child;
		if (stdin === null || this.process.hasEnded || stdin.destroyed) throw await this.#ended();
		const head = Buffer.alloc(HEAD_BYTES);
		for (const [at, value] of [block, offset, length].entries()) head.writeBigUInt64BE(BigInt(value), 8 * at);
		stdin.write(head);
		if (bytes === undefined || stdin.write(bytes)) return;
		const gone = new AbortController();
		const ended = () => gone.abort();
		stdin.once("close", ended);
		try {
			await once(stdin, "drain", { signal: gone.signal });
		} catch {
			throw await this.#ended();
		} finally {
			stdin.off("close", ended);
		}
	}

	async #line(): Promise<string> {
		const { value, done } = await this.#next.next();
		if (done === true) throw await this.#ended();
		return value;
	}

	async #ended(): Promise<UmbraError> {
		const how = await this.process.finished;
		const said = await this.process.said();
		// The kernel kills whoever takes more than its control group may have.
		const code = how === "SIGKILL" || /memory|space/i.test(said) ? "limit" : "unavailable";
		return new UmbraError(code, `the RAM of a trial cannot be kept: its process ended with ${how}: ${said}`, {
			hint: "is there memory, and is it perl-base that is installed?",
		});
	}
}
