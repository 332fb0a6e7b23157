/** docs/metrics.md, made from the measurements. */
import type { Measurement } from "./measurement.ts";
import { MEASUREMENTS } from "./measurements.ts";

const HEAD = `# Metrics

Made from \`common/measurements/\` by \`npm run generate\`; do not edit.

Every time series of Umbra, whichever store keeps it. Tags come from small closed sets: hosts, VMs, their devices, enumerations. Paths,
hashes and ids are never tags, so that the number of series follows the number of machines and nothing else. All numbers are
stored as floating point. A reading that cannot be had is left out, never 0.

Names of VMs' readings are those of Telegraf's libvirt plugin where it has one, units included, behind the name of the group where one
measurement holds several (\`balloon.rss\` of \`virsh domstats\` is \`balloon_rss\` here, in KiB).

*Gauges* may go anywhere. *Counters* only rise, and begin anew with what they count (a boot, a start of the VM): ask for
their rate, as \`non_negative_derivative(last("rd_bytes"), 1s)\`. *Text* is for people; it cannot be computed with.
`;

export function metricsDocument(): string {
	const sections = Object.entries(MEASUREMENTS).map(([name, measurement]) => section(name, measurement));
	return `${HEAD}\n${sections.join("\n")}`;
}

function section(name: string, { about, written, tags, fields }: Measurement): string {
	const tagLines = Object.entries(tags).map(([tag, meaning]) => `- \`${tag}\`: ${meaning}`);
	const rows = Object.entries(fields).map(
		([field, { kind, unit, about }]) =>
			`| \`${field}\` | ${kind} | ${kind === "text" ? "" : unit} | ${escapePipes(about)} |`,
	);
	return [
		`## ${name}`,
		"",
		`${about} Written ${written}.`,
		"",
		"Tags:",
		"",
		...tagLines,
		"",
		"| field | kind | unit | meaning |",
		"| --- | --- | --- | --- |",
		...rows,
		"",
	].join("\n");
}

function escapePipes(words: string): string {
	return words.replaceAll("|", "\\|");
}
