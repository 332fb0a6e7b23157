import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { validate } from "@readme/openapi-parser";
import { VERSION } from "../../common/version.ts";
import type { OpenApi } from "./conformance.ts";
import { openApiDocument } from "./server.ts";

describe("the OpenAPI document", async () => {
	const document = JSON.parse(await openApiDocument()) as OpenApi;
	const all = Object.values(document.paths).flatMap((path) => Object.values(path));

	it("is one, by a validator that is not ours", async () => {
		const result = await validate(structuredClone(document) as never);
		assert.deepEqual(result, { valid: true, warnings: [], specification: "OpenAPI" });
	});

	it("says of every operation what it is for, what it takes and what it answers", () => {
		assert.ok(all.length > 25);
		assert.equal(new Set(all.map(({ operationId }) => operationId)).size, all.length);
		for (const { operationId: id, summary = "", tags, parameters = [], responses } of all) {
			assert.match(summary, /^[A-Z].*[^.]$/, id);
			assert.equal(tags.length, 1, id);
			for (const { name, description } of parameters) assert.ok(description, `${id}: ${name}`);
			assert.ok(
				Object.keys(responses).some((status) => /^2\d\d$/.test(status)),
				id,
			);
			for (const status of ["401", "5XX"]) assert.ok(responses[status], `${id} ${status}`);
			for (const [status, { description }] of Object.entries(responses)) {
				assert.notEqual(description, "Default Response", `${id} ${status}`);
			}
		}
	});

	it("names every route that a path parameter makes up", () => {
		for (const [path, each] of Object.entries(document.paths)) {
			const wanted = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name).sort();
			for (const { operationId, parameters = [] } of Object.values(each)) {
				const found = parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
				assert.deepEqual(found.sort(), wanted, operationId);
			}
		}
	});

	it("bears the version of the package", async () => {
		const text = await readFile(join(import.meta.dirname, "../../package.json"), "utf8");
		assert.equal((JSON.parse(text) as { version: string }).version, VERSION);
	});
});
