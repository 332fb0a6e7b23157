/**
 * Makes docs/metrics.md. The output is committed; `npm run check` makes it again and fails on a difference.
 *
 * usage: npm run generate
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { metricsDocument } from "./document.ts";

await writeFile(join(import.meta.dirname, "../../docs/metrics.md"), metricsDocument());
