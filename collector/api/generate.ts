/**
 * Makes docs/openapi.json from the routes. The output is committed; `npm run check` makes it again and fails on a
 * difference.
 *
 * usage: npm run generate
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openApiDocument } from "./server.ts";

await writeFile(join(import.meta.dirname, "../../docs/openapi.json"), await openApiDocument());
