/** Levers that the guest agent moves from within. */
import { UmbraError } from "../../../common/errors.ts";
import type { GuestCommands } from "../guest/commands.ts";
import type { MakeLever } from "./lever.ts";

const unsupported: MakeLever = () => {
	throw new UmbraError("unsupported", "this agent moves no levers in the guest");
};

export const IN_GUEST = {
	"process-stop": unsupported,
	"descriptors-exhausted": unsupported,
	"filesystem-full": unsupported,
	"memory-leak": unsupported,
	"clock-jump": unsupported,
	"process-kill": unsupported,
} as const satisfies Readonly<Record<string, MakeLever>>;

/** Work that a guest is to do, all in all. */
export interface GuestLoadLevel {
	/** Of one vCPU: 150 is one and a half. */
	readonly cpuPercent: number;
	/** Taken and held. */
	readonly memoryBytes: number;
	/** Read and written. */
	readonly ioBytesPerSecond: number;
}

export interface GuestLoad {
	/** @throws UmbraError `unavailable`. */
	set(level: GuestLoadLevel, signal: AbortSignal): Promise<void>;
	/** @throws UmbraError `unavailable` where its processes do not run. */
	verify(signal: AbortSignal): Promise<void>;
	/** Ends its processes. @throws UmbraError `unavailable` where they are still there. */
	stop(signal: AbortSignal): Promise<void>;
}

/** @throws UmbraError `unsupported` with the reason where the guest cannot, `unavailable`. */
export async function startGuestLoad(
	_guest: GuestCommands,
	_level: GuestLoadLevel,
	_signal: AbortSignal,
): Promise<GuestLoad> {
	throw new UmbraError("unsupported", "this agent brings about no load in the guest");
}
