/**
 * `test/bench/` measures what the product promises, on the real programs. A *bench* is one file and fills one or
 * more *rows* of the table; a row compares what was measured with a *target*. Where a figure is a ratio, both sides
 * are measured in turns (`interleaved`), so that what else the machine does meets both.
 */
import type { TempFolder } from "../support/temp.ts";

export interface Row {
	/** What was measured. */
	readonly figure: string;
	/** What was promised; "-" for a row that only informs. */
	readonly target: string;
	readonly measured: string;
	/** Undefined where nothing was promised. */
	readonly met: boolean | undefined;
	/** How it was measured, for the document. */
	readonly how: string;
}

export interface BenchContext {
	/** Of this bench alone, on the temporary disk. */
	readonly folder: TempFolder;
	/** Tells what is being done. */
	say(text: string): void;
}

export interface Bench {
	/** For `npm run bench -- NAME`. */
	readonly name: string;
	/** Programs without which it cannot run, beside those of the guest. */
	readonly programs: readonly string[];
	run(context: BenchContext): Promise<Row[]>;
}
