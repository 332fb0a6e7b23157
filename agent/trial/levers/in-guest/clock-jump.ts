/** `clock-jump`: the guest's clock is set ahead or back. What keeps its time may set it right again; that is part of the trial. */
import { isUmbraError, UmbraError } from "../../../../common/errors.ts";
import type { LeverValues } from "../../../../common/trial/schedule.ts";
import type { GuestCommands } from "../../../guest/commands.ts";
import type { Lever, LeverMove, LeverTarget } from "../lever.ts";
import { GuestShell } from "./shell.ts";

/** What a guest's clock and this host's may drift apart between two readings. */
const DRIFT_MS = 500;

/** Some take whole seconds only, and the script takes its time. */
const DATE_MS = 2000;
/** $1: whole seconds, $2: with a fraction. Not every date(1) takes one. */
const SET_DATE = `date -s "@$2" >/dev/null 2>&1 || date -s "@$1" >/dev/null || failed "the clock cannot be set"
`;

/** The guest's clock less this host's steady one, between two bounds. */
interface Reading {
	readonly unixMs: number;
	readonly offset: number;
	readonly uncertainty: number;
}

export class ClockJump implements Lever {
	readonly #target: LeverTarget;

	constructor(target: LeverTarget) {
		this.#target = target;
	}

	async apply({ values, signal }: LeverMove): Promise<LeverValues> {
		const jump = Number(values["ms"]);
		const { guest } = this.#target;
		const shell = await GuestShell.of(guest, signal);
		// The shell is only there where the guest is.
		const clock = guest as GuestCommands;
		const before = await read(clock, signal);
		await clock.setClock(before.unixMs + jump, signal).catch((error: unknown) => {
			// Without hwclock(8) in the guest the agent refuses, and some have set the time all the same.
			if (!isUmbraError(error)) throw error;
		});
		let after = await read(clock, signal);
		let resolution = 0;
		if (!hasMoved(before, after, jump, resolution)) {
			resolution = DATE_MS;
			const now = after.unixMs - (after.offset - before.offset) + jump;
			await shell.run(SET_DATE, [Math.round(now / 1000), (now / 1000).toFixed(3)], signal);
			after = await read(clock, signal);
		}
		if (!hasMoved(before, after, jump, resolution)) {
			const moved = Math.round(after.offset - before.offset);
			throw new UmbraError("unavailable", `the guest's clock moved by ${moved} ms, not by ${jump}`);
		}
		return { fromMs: Math.round(before.unixMs), toMs: Math.round(after.unixMs) };
	}

	/** It was found to be set when it was; what came after is the guest's doing. */
	async verify(): Promise<void> {}

	async revert(): Promise<void> {}
}

async function read(guest: GuestCommands, signal: AbortSignal): Promise<Reading> {
	const asked = performance.now();
	const unixMs = await guest.clock(signal);
	const answered = performance.now();
	return { unixMs, offset: unixMs - (asked + answered) / 2, uncertainty: (answered - asked) / 2 };
}

function hasMoved(before: Reading, after: Reading, jump: number, resolution: number): boolean {
	const tolerance = Math.min(Math.abs(jump) / 2, before.uncertainty + after.uncertainty + DRIFT_MS + resolution);
	return Math.abs(after.offset - before.offset - jump) <= tolerance;
}
