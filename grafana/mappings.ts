/** How numbers that stand for states, and severities, are written and coloured. */
import { MappingType, type ValueMapping } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Steps } from "./panels.ts";

function mapping(values: Readonly<Record<string, readonly [text: string, color: string]>>): ValueMapping {
	const options = Object.entries(values).map(
		([value, [text, color]], index) => [value, { text, color, index }] as const,
	);
	return { type: MappingType.ValueToText, options: Object.fromEntries(options) };
}

/** As libvirt numbers the states of a VM. */
export const VM_STATE = [
	mapping({
		"0": ["unknown", "text"],
		"1": ["running", "green"],
		"3": ["paused", "yellow"],
		"5": ["shut off", "blue"],
		"6": ["crashed", "red"],
		"7": ["suspended", "yellow"],
	}),
] as const;
export const CONNECTED = [mapping({ "0": ["silent", "red"], "1": ["connected", "green"] })] as const;
export const FIRING = [mapping({ "0": ["resolved", "green"], "1": ["firing", "red"] })] as const;
export const FAILING = [mapping({ "0": ["ok", "green"], "1": ["failing", "red"] })] as const;
export const CONTROL = [mapping({ "0": ["no", "text"], "1": ["control", "blue"] })] as const;
export const SEVERITY = [
	mapping({ info: ["info", "blue"], warning: ["warning", "orange"], critical: ["critical", "red"] }),
] as const;
export const OUTCOME = [
	mapping({
		survived: ["survived", "green"],
		degraded: ["degraded", "yellow"],
		failed: ["failed", "red"],
		lost: ["lost", "purple"],
	}),
] as const;

export const SCORE_STEPS: Steps = [
	[0.5, "yellow"],
	[0.7, "orange"],
	[0.9, "red"],
];
export const DAYS_STEPS: Steps = [
	[0, "red"],
	[3, "orange"],
	[14, "yellow"],
	[60, "green"],
];
export const LATE_STEPS: Steps = [
	[60, "yellow"],
	[900, "red"],
];
export const PERCENT_STEPS: Steps = [
	[80, "yellow"],
	[95, "red"],
];
