/**
 * Text of a rule that Grafana fills in when it fires: Go templates over the labels of the series (`$labels`) and the
 * numbers that the rule computed (`$values`). A number that is missing is left out with its sentence, never an error.
 */

/** How a number is written. */
const FORMATS = {
	count: `printf "%.0f" .Value`,
	decimal: `printf "%.2f" .Value`,
	percent: `printf "%.0f %%" .Value`,
	share: "humanizePercentage .Value",
	seconds: "humanizeDuration .Value",
	days: `printf "%.1f days" .Value`,
	hours: `printf "%.1f hours" .Value`,
} as const;
export type NumberFormat = keyof typeof FORMATS;

export function label(name: string): string {
	return `{{ $labels.${name} }}`;
}

/** A sentence around a number, whose place in it is `#`; without the number, nothing. What was not written is no number, and equals nothing. */
export function withNumber(refId: string, format: NumberFormat, sentence: string): string {
	const [before = "", after = ""] = sentence.split("#");
	return `{{ with $values.${refId} }}{{ if eq .Value .Value }}${before}{{ ${FORMATS[format]} }}${after}{{ end }}{{ end }}`;
}

/** One of several texts, by the value of a label. */
export function byLabel(name: string, texts: Readonly<Record<string, string>>, otherwise: string): string {
	const branches = Object.entries(texts).map(
		([value, text], index) => `{{ ${index === 0 ? "if" : "else if"} eq $labels.${name} "${value}" }}${text}`,
	);
	return `${branches.join("")}{{ else }}${otherwise}{{ end }}`;
}

/** A label within the query of a URL. */
export function inUrl(name: string): string {
	return `{{ urlquery $labels.${name} }}`;
}
