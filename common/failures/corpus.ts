/** For tests: `corpus/`, consoles of failed and of sound guests, each with what it is to be taken for. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "corpus");

export interface Case {
	readonly name: string;
	/** "type: title" of each failure that nothing before brought about. */
	readonly expect: readonly string[];
	/** The same of all that came of them, in order. */
	readonly consequences: readonly string[];
	readonly text: string;
}

export function readCorpus(): Case[] {
	return readdirSync(FOLDER)
		.sort()
		.map((file) => {
			const content = readFileSync(join(FOLDER, file), "utf8");
			const [head = "", ...rest] = content.split("\n----\n");
			const of = (key: string): string[] =>
				head
					.split("\n")
					.filter((line) => line.startsWith(`${key}: `))
					.map((line) => line.slice(key.length + 2));
			const expect = of("expect").filter((each) => each !== "nothing");
			return { name: file.replace(/\.txt$/, ""), expect, consequences: of("then"), text: rest.join("\n----\n") };
		});
}
