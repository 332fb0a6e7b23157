/** The table for people and the document. */
import { table } from "../../cli/table.ts";
import type { Row } from "./bench.ts";

const verdict = ({ met }: Row): string => (met === undefined ? "-" : met ? "met" : "MISSED");

export function printTable(rows: readonly Row[]): void {
	const lines = table(rows, [
		{ title: "FIGURE", value: ({ figure }) => figure },
		{ title: "TARGET", value: ({ target }) => target },
		{ title: "VERDICT", value: verdict },
		{ title: "MEASURED", value: ({ measured }) => measured },
	]);
	for (const line of lines) console.log(line);
}

/** What one bench found when it last ran for the record. */
export interface Recorded {
	/** ISO date. */
	readonly date: string;
	readonly machine: readonly string[];
	/** Load average before and after it. */
	readonly load: readonly [number, number];
	readonly rows: readonly Row[];
}

/** `docs/benchmarks.json`: by name of the bench. */
export type Records = Readonly<Record<string, Recorded>>;

/** @param names of all benches, in the order in which they are shown. */
export function document(records: Records, names: readonly string[]): string {
	const cell = (text: string): string => text.replaceAll("|", "\\|");
	const known = names.flatMap((name) => (records[name] === undefined ? [] : [{ name, ...records[name] }]));
	const rows = known.flatMap((record) => record.rows);
	const promised = rows.filter(({ met }) => met !== undefined);
	const missed = promised.filter(({ met }) => met === false).length;
	return `# Benchmarks

Written by \`npm run bench\`; do not edit. \`npm run bench -- scan capture\` runs a selection and prints it; with \`--record\` it takes the
place of what that selection found before. Where two things are compared they run in turns within the same minutes.

${promised.length - missed} of ${promised.length} promised figures met${missed === 0 ? "" : `, ${missed} missed`}.

| figure | target | measured | verdict |
| --- | --- | --- | --- |
${rows.map((row) => `| ${[row.figure, row.target, row.measured, verdict(row)].map(cell).join(" | ")} |`).join("\n")}

## How each was measured

All programs are the real ones, as child processes: the collector, the agent, QEMU with a Linux guest, and what they are compared
with. Rows without a target only inform.

${known.map(section).join("\n\n")}
`;
}

function section({ name, date, machine, load, rows }: Recorded & { readonly name: string }): string {
	const when = `\`npm run bench -- ${name}\`, ${date}; load average ${load.map((value) => value.toFixed(1)).join(" before, ")} after; ${machine.join("; ")}.`;
	return `### ${name}\n\n${when}\n\n${rows.map(({ figure, how }) => `- **${figure}.** ${how}`).join("\n")}`;
}
