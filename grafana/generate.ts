/**
 * Makes grafana/provisioning/ and what packaging/compose.yaml needs. The output is committed; `npm run check` makes it again and fails on a
 * difference.
 *
 * usage: npm run generate
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { generatedFiles, PROVISIONING } from "./generated.ts";

const ROOT = join(import.meta.dirname, "..");

await rm(join(ROOT, PROVISIONING), { recursive: true, force: true });
for (const [path, text] of generatedFiles()) {
	await mkdir(dirname(join(ROOT, path)), { recursive: true });
	await writeFile(join(ROOT, path), text);
}
