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

export interface DocumentOptions {
	readonly rows: readonly Row[];
	readonly machine: readonly string[];
	readonly date: Date;
	readonly loadBefore: number;
	readonly loadAfter: number;
	readonly minutes: number;
}

export function document({ rows, machine, date, loadBefore, loadAfter, minutes }: DocumentOptions): string {
	const cell = (text: string): string => text.replaceAll("|", "\\|");
	const promised = rows.filter(({ met }) => met !== undefined);
	const missed = promised.filter(({ met }) => met === false).length;
	return `# Benchmarks

Written by \`npm run bench\`; do not edit. \`npm run bench -- scan capture\` runs a selection and prints it only, so
that everything below comes from one run.

- Date: ${date.toISOString().slice(0, 10)}, ${Math.round(minutes)} minutes
- Machine: ${machine.join("; ")}
- Load average: ${loadBefore.toFixed(1)} when it began, ${loadAfter.toFixed(1)} when it ended
- ${promised.length - missed} of ${promised.length} promised figures met${missed === 0 ? "" : `, ${missed} missed`}

| figure | target | measured | verdict |
| --- | --- | --- | --- |
${rows.map((row) => `| ${[row.figure, row.target, row.measured, verdict(row)].map(cell).join(" | ")} |`).join("\n")}

## How each was measured

All programs are the real ones, as child processes: the collector, the agent, QEMU with a Linux guest. Where two
things are compared they run in turns within the same minutes. Rows without a target only inform.

${rows.map(({ figure, how }) => `- **${figure}.** ${how}`).join("\n")}
`;
}
