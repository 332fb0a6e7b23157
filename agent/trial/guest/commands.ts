/** What the guest agent of a clone can be asked. The agent runs in the guest: what it says is the guest's word. */

export interface GuestRun {
	/** Null where a signal ended it. */
	readonly exitCode: number | null;
	readonly signal: number | null;
	/** At most 64 KiB of each, the beginning. */
	readonly output: string;
	readonly errors: string;
}

export interface GuestRunOptions {
	readonly input?: string;
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
}

export interface GuestCommands {
	/** Milliseconds until it answered. @throws UmbraError `unavailable` where it did not within `timeoutMs`. */
	ping(timeoutMs: number, signal: AbortSignal): Promise<number>;
	/**
	 * Runs a program (no shell) until it ends.
	 *
	 * @throws UmbraError `unavailable` where the agent gave no answer in time, `unsupported` where it refuses to run programs,
	 * `not-found` where there is no such program.
	 */
	run(command: readonly [string, ...string[]], options: GuestRunOptions): Promise<GuestRun>;
}
