/** Every command, in the order in which `umbra --help` shows them. */
import type { Command } from "commander";
import { register as alerts } from "./alerts.ts";
import { register as browse } from "./browse.ts";
import { register as capture } from "./capture.ts";
import { register as cat } from "./cat.ts";
import { register as changes } from "./changes.ts";
import { register as demo } from "./demo.ts";
import { register as diff } from "./diff.ts";
import { register as doctor } from "./doctor.ts";
import { register as ls } from "./ls.ts";
import { register as points } from "./points.ts";
import { register as policy } from "./policy.ts";
import { register as restore } from "./restore.ts";
import { register as scan } from "./scan.ts";
import { register as services } from "./services.ts";
import { register as vms } from "./vms.ts";

export const commands: readonly ((program: Command) => void)[] = [
	demo,
	services,
	doctor,
	scan,
	ls,
	cat,
	diff,
	vms,
	points,
	changes,
	alerts,
	capture,
	policy,
	browse,
	restore,
];
