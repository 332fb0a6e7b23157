/** What a guest agent can be asked. The agent runs in the guest: what it says is the guest's word. */

export interface GuestRun {
	/** Null where a signal ended it. */
	readonly exitCode: number | null;
	/** "SIGKILL". */
	readonly signal: string | null;
	/** At most 64 KiB of each, the beginning. */
	readonly output: string;
	readonly errors: string;
}

export interface GuestRunOptions {
	/** Its standard input; left out, it reads nothing. */
	readonly input?: string;
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
}

export interface GuestSystem {
	readonly family: "unix" | "windows";
	/** "debian 12", "mswindows 2022"; empty where the guest has no name for itself. */
	readonly name: string;
}

export interface GuestInterface {
	readonly name: string;
	/** Colons between bytes; undefined where it has none. */
	readonly mac?: string | undefined;
	readonly addresses: readonly { readonly address: string; readonly prefix: number }[];
}

export interface GuestRoute {
	readonly interface: string;
	/** An address; of all zeroes and with `prefix` 0 it is the way to everywhere. */
	readonly destination: string;
	readonly prefix: number;
	/** Of all zeroes, or empty, where it is reached without one. */
	readonly gateway: string;
	readonly metric: number;
}

/** Each throws UmbraError `unavailable` where there was no answer in time, `unsupported` where the agent does not do such a thing. */
export interface GuestCommands {
	/** Milliseconds until it answered. @throws UmbraError `unavailable` where it did not within `timeoutMs`. */
	ping(timeoutMs: number, signal: AbortSignal): Promise<number>;
	/**
	 * Runs a program (no shell) until it ends. One that does not in time goes on in the guest.
	 *
	 * @throws UmbraError `unavailable` where the agent gave no answer in time, `unsupported` where it refuses to run programs,
	 * `not-found` where there is no such program.
	 */
	run(command: readonly [string, ...string[]], options: GuestRunOptions): Promise<GuestRun>;
	system(signal: AbortSignal): Promise<GuestSystem>;
	/** With those that have no addresses. */
	interfaces(signal: AbortSignal): Promise<readonly GuestInterface[]>;
	/** Unix milliseconds, as the guest has them. */
	clock(signal: AbortSignal): Promise<number>;
	setClock(unixMs: number, signal: AbortSignal): Promise<void>;
}
