/** The guest of tests is the demo's. */

export { type DiskOptions, type MadeDisk, makeBlankDisk, makeDisk } from "../../packaging/guest/disk.ts";
export {
	bootGuest,
	type DiskInterface,
	Guest,
	type GuestDisk,
	type GuestOptions,
	type RunResult,
} from "../../packaging/guest/guest.ts";
