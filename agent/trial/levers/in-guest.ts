/** Levers that the guest's agent moves from within. Each is refused with the reason where the guest has none, or not what it takes. */
import { ClockJump } from "./in-guest/clock-jump.ts";
import { FilesystemFull } from "./in-guest/filesystem-full.ts";
import { MemoryLeak } from "./in-guest/memory-leak.ts";
import { DescriptorsExhausted, ProcessKill, ProcessStop } from "./in-guest/processes.ts";
import type { MakeLever } from "./lever.ts";

export { type GuestLoad, type GuestLoadLevel, startGuestLoad, usedByItsWord } from "./in-guest/load.ts";

export const IN_GUEST = {
	"process-stop": (target) => new ProcessStop(target),
	"descriptors-exhausted": (target) => new DescriptorsExhausted(target),
	"filesystem-full": (target) => new FilesystemFull(target),
	"memory-leak": (target) => new MemoryLeak(target),
	"clock-jump": (target) => new ClockJump(target),
	"process-kill": (target) => new ProcessKill(target),
} as const satisfies Readonly<Record<string, MakeLever>>;
