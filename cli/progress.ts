/** Progress of long work: a bar on a terminal, a plain line now and then elsewhere. All on standard error. */
import { formatBytes, formatDuration } from "../common/units.ts";

const BAR = 28;
const REDRAW_MS = 100;
const PLAIN_MS = 5_000;

export class Progress implements Disposable {
	readonly #what: string;
	readonly #total: number;
	readonly #start = performance.now();
	readonly #terminal = process.stderr.isTTY === true;
	#last = Number.NEGATIVE_INFINITY;
	#done = 0;

	/** `total` in bytes. */
	constructor(what: string, total: number) {
		this.#what = what;
		this.#total = total;
	}

	add(bytes: number): void {
		this.at(this.#done + bytes);
	}

	at(done: number): void {
		this.#done = done;
		const now = performance.now();
		if (now - this.#last < (this.#terminal ? REDRAW_MS : PLAIN_MS)) return;
		// The first plain line comes after a while: short work stays silent.
		if (this.#last === Number.NEGATIVE_INFINITY && !this.#terminal && now - this.#start < PLAIN_MS) return;
		this.#last = now;
		this.#draw();
	}

	[Symbol.dispose](): void {
		if (this.#terminal && this.#last !== Number.NEGATIVE_INFINITY) process.stderr.write("\r\x1b[K");
	}

	#draw(): void {
		const share = this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total);
		const elapsed = performance.now() - this.#start;
		const rate = this.#done / (elapsed / 1000);
		const left = share > 0 ? formatDuration((elapsed * (1 - share)) / share) : "?";
		const text = `${this.#what} ${(share * 100).toFixed(0)} % of ${formatBytes(this.#total)}, ${formatBytes(rate)}/s, ${left} left`;
		if (!this.#terminal) {
			process.stderr.write(`${text}\n`);
			return;
		}
		const filled = Math.round(share * BAR);
		process.stderr.write(`\r\x1b[K${"█".repeat(filled)}${"░".repeat(BAR - filled)} ${text}`);
	}
}
