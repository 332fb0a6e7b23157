/**
 * The process between QEMU and the agent that takes QEMU's stream: QEMU connects to its socket, and what it sends goes on
 * to the agent by a pipe, for as long as the agent reads it, then to nowhere. It outlives the agent, since a stream that is
 * cut would leave the guest hanging for ever, and ends with the stream. QEMU itself starts nothing, which its sandbox
 * forbids it where libvirt made the machine.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, rmSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { promisify } from "node:util";
import { messageOf, UmbraError } from "../../common/errors.ts";

/** Of `sockaddr_un`, less one. */
const MAX_PATH_BYTES = 107;
const PIECE_BYTES = 256 * 1024;
/** 4 MiB that are read ahead while what was read before is worked on. */
const PIECES = 16;

/**
 * Standard output is the pipe. By descriptor 3 it says that it listens; when that is closed, by the agent or by its death,
 * and nobody has connected, it ends. A pipe holds 64 KiB, for which three processes would have to be woken in turns: it is
 * made to hold 1 MiB (F_SETPIPE_SZ), the most that everyone may have. For the same reason it naps where less than half of what it
 * can take has come: QEMU sends page after page.
 */
const PROGRAM = `
use strict;
use Socket;
my ($path) = @ARGV;
$SIG{$_} = "IGNORE" for qw(PIPE HUP INT TERM);
fcntl(STDOUT, 1031, 1048576);
open(my $agent, "+<&=3") or die "descriptor 3: $!\\n";
socket(my $listener, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\\n";
umask(0);
bind($listener, pack_sockaddr_un($path)) or die "bind: $!\\n";
listen($listener, 1) or die "listen: $!\\n";
syswrite($agent, "1");
my $qemu;
until ($qemu) {
	my $ready = "";
	vec($ready, fileno($_), 1) = 1 for $listener, $agent;
	next if select($ready, undef, undef, undef) < 0;
	if (vec($ready, fileno($listener), 1)) { accept($qemu, $listener) or undef $qemu; }
	else { unlink($path); exit; }
}
close($listener);
my ($bytes, $reads) = ("", 1);
while (1) {
	my $length = sysread($qemu, $bytes, 131072);
	select(undef, undef, undef, 0.0005) if defined($length) && $length < 65536;
	next if !defined($length) && $!{EINTR};
	last unless $length;
	for (my $at = 0; $reads && $at < $length; ) {
		my $written = syswrite(STDOUT, $bytes, $length - $at, $at);
		if (defined($written)) { $at += $written; }
		elsif (!$!{EINTR}) { $reads = 0; close(STDOUT); }
	}
}
`;

export class RamRelay {
	readonly #process: ChildProcess;
	readonly #socket: Socket;
	/** Read, and not asked for yet. */
	readonly #read: Buffer[] = [];
	readonly #free: Buffer[] = [];
	#ended = false;
	#error: Error | undefined;
	#wake = (): void => {};

	private constructor(process: ChildProcess, pipe: number) {
		this.#process = process;
		this.#socket = new Socket({
			fd: pipe,
			readable: true,
			onread: { buffer: () => this.#room(), callback: (length, buffer) => this.#onRead(length, buffer) },
		});
		this.#socket.on("error", (error) => this.#end(error));
		this.#socket.on("end", () => this.#end());
		this.#socket.on("close", () => {
			if (!this.#ended) this.#end(new UmbraError("unavailable", "QEMU's stream was not read to its end"));
		});
	}

	/**
	 * Returns when it listens.
	 *
	 * @param path of the socket to which QEMU shall connect; nothing is there yet. QEMU may run as somebody else: the folder
	 * says who gets there.
	 * @throws UmbraError `unavailable`.
	 */
	static async start(path: string): Promise<RamRelay> {
		try {
			// Perl would cut it.
			if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new Error(`the path is longer than ${MAX_PATH_BYTES} bytes`);
			const [reader, writer] = await makePipe(`${path}.pipe`);
			const child = spawn("perl", ["-MErrno", "-e", PROGRAM, path], {
				detached: true,
				stdio: ["ignore", writer, "pipe", "pipe"],
			});
			closeSync(writer);
			const relay = new RamRelay(child, reader);
			try {
				await listening(child);
			} catch (error) {
				relay.close();
				throw error;
			}
			return relay;
		} catch (error) {
			throw new UmbraError("unavailable", `cannot take QEMU's stream at ${path}: ${messageOf(error)}`, {
				cause: error,
				context: { path },
				hint: "it takes perl and mkfifo, and a folder in which the agent may make both socket and pipe",
			});
		}
	}

	/** To the end; the bytes of each piece are others once the next is asked for. */
	async *pieces(): AsyncGenerator<Uint8Array> {
		for (;;) {
			const piece = this.#read.shift();
			if (piece !== undefined) {
				yield piece;
				this.#free.push(Buffer.from(piece.buffer));
				if (this.#socket.isPaused()) this.#socket.resume();
			} else if (this.#error !== undefined) throw this.#error;
			else if (this.#ended) return;
			else {
				const { promise, resolve } = Promise.withResolvers<void>();
				this.#wake = resolve;
				await promise;
			}
		}
	}

	/** What nobody has read is lost, and what follows is thrown away; where QEMU has not connected, it does not any more. */
	close(): void {
		this.#socket.destroy();
		for (const each of this.#process.stdio) each?.destroy();
	}

	#room(): Buffer {
		return this.#free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
	}

	/** @returns whether to read on. */
	#onRead(length: number, buffer: Uint8Array): boolean {
		this.#read.push(Buffer.from(buffer.buffer, 0, length));
		this.#wake();
		if (this.#read.length < PIECES) return true;
		this.#socket.pause();
		return false;
	}

	#end(error?: Error): void {
		this.#error ??= error;
		this.#ended = true;
		this.#wake();
	}
}

/** Both ends, without a name. */
async function makePipe(path: string): Promise<[reader: number, writer: number]> {
	// Of an agent that was killed right here.
	rmSync(path, { force: true });
	await promisify(execFile)("mkfifo", ["-m", "600", path]);
	const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
	try {
		return [reader, openSync(path, constants.O_WRONLY)];
	} finally {
		unlinkSync(path);
	}
}

/** @throws what it says where it cannot. */
async function listening(child: ChildProcess): Promise<void> {
	let said = "";
	child.stderr?.setEncoding("utf8").on("data", (text: string) => {
		said += text;
	});
	const [, , , agent] = child.stdio;
	const ended = once(child, "close").then(() => {
		throw new Error(said.trim() === "" ? "its process has ended" : said.trim());
	});
	ended.catch(() => {}); // After it has listened, that is how it ends.
	if (agent !== null && agent !== undefined) await Promise.race([once(agent, "data"), ended]);
	// Nobody waits for its end.
	child.unref();
	for (const each of child.stdio) if (each instanceof Socket) each.unref();
}
