/**
 * Configuration: a YAML file, checked against a zod schema. Unknown keys are refused by name, so that
 * a misspelt setting never passes for its default. Schemas stand with the program they belong to and
 * are built from `z.strictObject` and the fields below.
 */
import { readFile } from "node:fs/promises";
import { parseDocument } from "yaml";
import { z } from "zod";
import { errnoOf, messageOf, UmbraError } from "./errors.ts";
import { parseBytes, parseDuration } from "./units.ts";

/** A size as an operator writes it ("512MiB", "10GiB", or a number of bytes), in bytes. */
export function bytesField() {
	return z.union([z.string(), z.number()]).transform((value, context) => convert(value, parseBytes, context));
}

/** A duration as an operator writes it ("500ms", "60s", "5m", "2h", "7d"), in milliseconds. */
export function durationField() {
	return z.union([z.string(), z.number()]).transform((value, context) => convert(value, parseDuration, context));
}

function convert(value: string | number, parse: (text: string) => number, context: z.RefinementCtx): number {
	try {
		return parse(String(value));
	} catch (error) {
		context.addIssue({ code: "custom", message: messageOf(error), input: value });
		return z.NEVER;
	}
}

/**
 * Checks `value` against `schema`.
 *
 * @throws UmbraError `bad-config` that names every wrong field, what was found and what was wanted.
 */
export function checkConfig<T extends z.ZodType>(schema: T, value: unknown, path: string): z.output<T> {
	const result = schema.safeParse(value ?? {}, { reportInput: true });
	if (result.success) return result.data;
	const lines = result.error.issues.map((issue) => {
		const field = issue.path.length > 0 ? issue.path.join(".") : "(top level)";
		const found =
			"input" in issue && issue.code !== "unrecognized_keys" ? `, found ${JSON.stringify(issue.input)}` : "";
		return `${field}: ${issue.message}${found}`;
	});
	throw new UmbraError("bad-config", `${path}: ${lines.join("; ")}`, {
		context: { path, field: result.error.issues[0]?.path.join(".") ?? "" },
		hint: "docs/operations.md lists every setting; packaging/examples/ holds files that work",
	});
}

/** @throws UmbraError `not-found` where there is no such file, `bad-config` where it is not what `schema` wants. */
export async function loadConfig<T extends z.ZodType>(schema: T, path: string): Promise<z.output<T>> {
	let text: string;
	try {
		text = await readFile(path, "utf8");
	} catch (error) {
		const code = errnoOf(error) === "ENOENT" ? "not-found" : "unavailable";
		throw new UmbraError(code, `cannot read the config file ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path },
			hint: "packaging/examples/ holds files to start from",
		});
	}
	const document = parseDocument(text);
	const problem = document.errors[0];
	if (problem !== undefined) {
		throw new UmbraError("bad-config", `${path}: not YAML: ${problem.message}`, { cause: problem, context: { path } });
	}
	let value: unknown;
	try {
		value = document.toJS();
	} catch (error) {
		// Aliases are followed only now: one without an anchor, or a few that stand for billions.
		throw new UmbraError("bad-config", `${path}: not YAML: ${messageOf(error)}`, { cause: error, context: { path } });
	}
	return checkConfig(schema, value, path);
}
