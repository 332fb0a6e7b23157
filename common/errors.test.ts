import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { errnoOf, isAbort, isUmbraError, messageOf, UmbraError } from "./errors.ts";

describe("UmbraError", () => {
	it("carries code, context, hint and cause", () => {
		const cause = new RangeError("inner");
		const error = new UmbraError("corrupt", "it is broken", { cause, hint: "mend it", context: { offset: 7n } });
		assert.equal(error.code, "corrupt");
		assert.equal(error.context.offset, 7n);
		assert.equal(error.hint, "mend it");
		assert.equal(error.cause, cause);
		assert.ok(error instanceof Error);
		assert.ok(!("cause" in new UmbraError("internal", "")), "no cause is none, not undefined");
	});
});

describe("isUmbraError", () => {
	const error = new UmbraError("limit", "full");
	it("asks for any of the codes, or for none in particular", () => {
		assert.ok(isUmbraError(error));
		assert.ok(isUmbraError(error, "conflict", "limit"));
		assert.ok(!isUmbraError(error, "conflict"));
		for (const other of [new Error("full"), { code: "limit" }, undefined, null, "limit"])
			assert.ok(!isUmbraError(other));
	});
});

describe("messageOf", () => {
	it("has words for whatever was thrown", () => {
		assert.equal(messageOf(new TypeError("a")), "a");
		assert.equal(messageOf("b"), "b");
		assert.equal(messageOf(undefined), "undefined");
		assert.equal(messageOf(null), "null");
	});
});

describe("errnoOf", () => {
	it("is the system's word, and nothing for errors of another kind", async () => {
		const error = await readFile("/does/not/exist").catch((thrown: unknown) => thrown);
		assert.equal(errnoOf(error), "ENOENT");
		assert.equal(errnoOf(new Error("x")), undefined);
		assert.equal(errnoOf(Object.assign(new Error("x"), { code: 7 })), undefined);
		assert.equal(errnoOf({ code: "ENOENT" }), undefined);
	});
});

describe("isAbort", () => {
	it("knows what aborted calls throw", async () => {
		const signal = AbortSignal.abort();
		const error = await readFile(import.meta.filename, { signal }).catch((thrown: unknown) => thrown);
		assert.ok(isAbort(error));
		assert.ok(isAbort(signal.reason));
		for (const other of [new UmbraError("unavailable", "x"), AbortSignal.abort(new Error("mine")).reason, undefined])
			assert.ok(!isAbort(other));
	});
});
