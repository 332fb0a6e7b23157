/** Tables for people: aligned columns, numbers to the right, the last column free to be long. */
import { stripVTControlCharacters, styleText } from "node:util";

export interface Column<T> {
	readonly title: string;
	readonly value: (row: T) => string;
	readonly right?: boolean;
}

const width = (text: string) => stripVTControlCharacters(text).length;

/** The table's lines, heading first. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[]): string[] {
	const cells = rows.map((row) => columns.map((column) => column.value(row)));
	// Not by spreading: a long listing has more rows than a call takes arguments.
	const widths = columns.map(({ title }, at) =>
		cells.reduce((widest, line) => Math.max(widest, width(line[at] ?? "")), title.length),
	);
	const format = (line: readonly string[]) =>
		line
			.map((cell, at) => {
				const space = " ".repeat((widths[at] ?? 0) - width(cell));
				if (columns[at]?.right === true) return space + cell;
				return at === columns.length - 1 ? cell : cell + space;
			})
			.join("  ");
	return [paint("bold", format(columns.map(({ title }) => title))), ...cells.map(format)];
}

/** Colour on a terminal that wants it, plain text elsewhere. */
export function paint(style: Parameters<typeof styleText>[0], text: string): string {
	return styleText(style, text, { stream: process.stdout });
}

export function severityText(severity: string | null): string {
	if (severity === "critical") return paint(["red", "bold"], severity);
	if (severity === "warning") return paint("yellow", severity);
	return severity ?? "-";
}

/** A mean entropy in bits per byte. */
export function entropyText(entropy: number | null): string {
	return entropy === null ? "-" : entropy.toFixed(1);
}
