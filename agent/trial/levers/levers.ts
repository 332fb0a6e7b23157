/** Who moves which lever. */
import type { LeverName } from "../../../common/trial/levers.ts";
import { CpuShare } from "./cpu-share.ts";
import { CpuStall } from "./cpu-stall.ts";
import { makeDiskErrors, makeDiskFull } from "./disk-faults.ts";
import { DiskLatency } from "./disk-latency.ts";
import { DiskRate } from "./disk-rate.ts";
import { IN_GUEST } from "./in-guest.ts";
import type { MakeLever } from "./lever.ts";
import { makeLoad } from "./load.ts";
import { MemoryCorruption } from "./memory-corruption.ts";
import { MemoryPressure } from "./memory-pressure.ts";
import { Nmi, Unplug } from "./momentary.ts";
import {
	makeNetworkBandwidth,
	makeNetworkCorruption,
	makeNetworkLatency,
	makeNetworkLoss,
	NetworkLink,
} from "./network.ts";

export const LEVERS: Readonly<Record<LeverName, MakeLever>> = {
	...IN_GUEST,
	"cpu-share": (target) => new CpuShare(target),
	"cpu-stall": (target) => new CpuStall(target),
	"memory-pressure": (target) => new MemoryPressure(target),
	"memory-corruption": (target) => new MemoryCorruption(target),
	"disk-rate": (target) => new DiskRate(target),
	"disk-latency": (target) => new DiskLatency(target),
	"disk-errors": makeDiskErrors,
	"disk-full": makeDiskFull,
	"network-latency": makeNetworkLatency,
	"network-loss": makeNetworkLoss,
	"network-corruption": makeNetworkCorruption,
	"network-bandwidth": makeNetworkBandwidth,
	"network-link": (target) => new NetworkLink(target),
	nmi: (target) => new Nmi(target),
	unplug: (target) => new Unplug(target),
	load: makeLoad,
};
