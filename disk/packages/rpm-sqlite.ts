/**
 * rpm's SQLite database, `rpmdb.sqlite` and the write-ahead log beside it: the headers in its table `Packages`.
 * SQLite reads a copy of both in a folder of its own, in a process of its own (rpm-sqlite-child.ts): the guest wrote
 * these files, and what they may do to SQLite ends there.
 */
import { spawn } from "node:child_process";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";
import type { Problems } from "../parser/problems.ts";
import type { GuestFile } from "./guest-root.ts";
import { MAX_HEADER } from "./rpm-header.ts";

/** Three times that of 5,000 packages. */
const MAX_DATABASE = 1 << 30;
const COPY_BYTES = 4 << 20;
/** All of 5,000 packages take two seconds. */
const PATIENCE_MS = 60_000;
const MAX_STDERR = 4096;
const END = 0xffffffff;
const CHILD = fileURLToPath(import.meta.resolve("./rpm-sqlite-child.ts"));

/**
 * The headers of all packages. What SQLite finds damaged ends the list, and is a problem.
 *
 * @param log the write-ahead log, whose finished transactions count.
 * @throws UmbraError `limit`, `truncated`, `unavailable`, or what the disk throws.
 */
export async function* readSqlite(
	database: GuestFile,
	log: GuestFile | undefined,
	problems: Problems,
	signal?: AbortSignal,
	patienceMs = PATIENCE_MS,
): AsyncGenerator<Buffer> {
	await using folder = await privateFolder();
	const path = join(folder.path, "rpmdb.sqlite");
	await copy(database, path, problems, signal);
	// A copy without it lacks the newest packages, but is whole.
	if (log !== undefined && log.node.type === "file") await copy(log, `${path}-wal`, problems, signal);
	yield* runChild(path, problems, patienceMs, signal);
}

async function* runChild(
	path: string,
	problems: Problems,
	patienceMs: number,
	signal?: AbortSignal,
): AsyncGenerator<Buffer> {
	signal?.throwIfAborted();
	const child = spawn(process.execPath, ["--no-warnings", "--max-old-space-size=256", CHILD, path], {
		stdio: ["ignore", "pipe", "pipe"],
		env: {},
	});
	const closed = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
	const failed = new Promise<unknown>((resolve) => child.on("error", resolve));
	let late = false;
	const timer = setTimeout(() => {
		late = true;
		child.kill("SIGKILL");
	}, patienceMs);
	const stop = (): void => void child.kill("SIGKILL");
	signal?.addEventListener("abort", stop, { once: true });
	let said = "";
	child.stderr.on("data", (bytes: Buffer) => {
		if (said.length < MAX_STDERR) said += bytes.toString("latin1");
	});
	try {
		if (child.pid === undefined) {
			const error = await failed;
			throw new UmbraError("unavailable", `cannot start node: ${messageOf(error)}`, { cause: error });
		}
		const whole = yield* frames(child.stdout, problems);
		signal?.throwIfAborted();
		if (late) throw problems.error("limit", `SQLite took more than ${patienceMs} ms`, { structure: "rpmdb.sqlite" });
		if (!whole) {
			await closed;
			const reason = said.trim().slice(0, MAX_STDERR) || "SQLite ended early";
			problems.add("corrupt", `rpmdb.sqlite cannot be read to its end: ${reason}`, { structure: "rpmdb.sqlite" });
		}
	} finally {
		clearTimeout(timer);
		signal?.removeEventListener("abort", stop);
		child.kill("SIGKILL");
		if (child.pid !== undefined) await closed;
	}
}

/** @returns true where the end was announced. */
async function* frames(stream: Readable, problems: Problems): AsyncGenerator<Buffer, boolean> {
	let parts: Buffer[] = [];
	let held = 0;
	let wanted = -1;
	for await (const chunk of stream as AsyncIterable<Buffer>) {
		parts.push(chunk);
		held += chunk.length;
		while (held >= (wanted < 0 ? 4 : wanted)) {
			const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts, held);
			if (wanted < 0) {
				const length = bytes.readUInt32LE(0);
				if (length === END) return true;
				if (length > MAX_HEADER) {
					throw problems.error("limit", `a header of ${length} bytes, more than ${MAX_HEADER}`, { found: length });
				}
				parts = [bytes.subarray(4)];
				held -= 4;
				wanted = length;
			} else {
				yield bytes.subarray(0, wanted);
				parts = [bytes.subarray(wanted)];
				held -= wanted;
				wanted = -1;
			}
		}
	}
	return false;
}

async function copy({ filesystem, node }: GuestFile, to: string, problems: Problems, signal?: AbortSignal) {
	if (node.size > MAX_DATABASE) {
		throw problems.error("limit", `rpmdb.sqlite has ${node.size} bytes, more than ${MAX_DATABASE}`, {
			found: node.size,
			wanted: MAX_DATABASE,
		});
	}
	try {
		await using file = await open(to, "wx", 0o600);
		for (let offset = 0; offset < node.size; offset += COPY_BYTES) {
			const bytes = await filesystem.readFile(node, offset, Math.min(COPY_BYTES, node.size - offset), signal);
			await file.writeFile(bytes);
		}
	} catch (error) {
		if (errnoOf(error) === undefined || error instanceof UmbraError) throw error;
		throw new UmbraError("unavailable", `cannot copy rpm's database to ${to}: ${messageOf(error)}`, {
			cause: error,
			hint: `room for it is needed in ${tmpdir()}`,
		});
	}
}

async function privateFolder(): Promise<AsyncDisposable & { readonly path: string }> {
	const path = await mkdtemp(join(tmpdir(), "umbra-rpm-"));
	return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
