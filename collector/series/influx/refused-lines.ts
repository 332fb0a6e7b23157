/** Lines that the database will never take, in a file for people: the server's reason as a comment, the line behind it. */
import { appendFile, open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../../common/log.ts";
import type { RefusedLine } from "./delivery.ts";

const NAME = "refused.lp";
const OLDER = "refused.1.lp";
/** Of each of the two files. */
const MAX_BYTES = 16 * 2 ** 20;

export class RefusedLines {
	readonly #folder: string;
	readonly #log: Logger;
	#serial: Promise<void> = Promise.resolve();

	constructor(folder: string, log: Logger) {
		this.#folder = folder;
		this.#log = log;
	}

	/** Resolves once they are on stable storage. Where the file cannot be written, the log has to do. */
	async add(refused: readonly RefusedLine[]): Promise<void> {
		if (refused.length === 0) return;
		const done = this.#serial.then(() => this.#append(refused));
		this.#serial = done;
		await done;
	}

	async #append(refused: readonly RefusedLine[]): Promise<void> {
		const path = join(this.#folder, NAME);
		const reasons = Map.groupBy(refused, ({ reason }) => reason);
		for (const [reason, lines] of reasons) {
			const sample = lines[0]?.line.toString("utf8", 0, 300);
			this.#log.error(
				{ points: lines.length, reason, sample, path },
				"the database refuses points; they are set aside",
			);
		}
		const at = new Date().toISOString();
		const text: Buffer[] = [];
		for (const [reason, lines] of reasons) {
			text.push(Buffer.from(`# ${at} ${reason.replaceAll(/\s+/g, " ")}\n`));
			for (const { line } of lines) text.push(line, Buffer.from("\n"));
		}
		try {
			await this.#makeRoom(path);
			await appendFile(path, Buffer.concat(text), { mode: 0o600 });
			await using file = await open(path, "r");
			await file.sync();
		} catch (error) {
			this.#log.error({ err: error, path }, "cannot set refused points aside");
		}
	}

	async #makeRoom(path: string): Promise<void> {
		const size = await stat(path).then(
			(found) => found.size,
			() => 0,
		);
		if (size >= MAX_BYTES) await rename(path, join(this.#folder, OLDER));
	}
}
