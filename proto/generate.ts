/**
 * Makes `proto/generated/agent.js` and `.d.ts` from `proto/umbra/v1/agent.proto`. The output is
 * committed; `npm run check` runs this and fails on a difference.
 *
 * usage: npm run generate
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
const bin = (name: string) => join(here, "..", "node_modules", ".bin", name);
const output = join(here, "generated", "agent.js");
const types = join(here, "generated", "agent.d.ts");

execFileSync(bin("pbjs"), [
	...["-t", "static-module", "-w", "esm", "--force-long", "--no-verify", "--no-delimited", "--no-typeurl"],
	...["-o", output, join(here, "umbra", "v1", "agent.proto")],
]);
execFileSync(bin("pbts"), ["-o", types, output]);

for (const file of [output, types]) {
	const text = readFileSync(file, "utf8");
	// Node resolves a package's file only by its full name.
	writeFileSync(file, text.replaceAll(/(["'])protobufjs\/minimal\1/g, '"protobufjs/minimal.js"'));
}
