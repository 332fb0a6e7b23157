import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UmbraError } from "../../../common/errors.ts";
import { Window } from "./window.ts";

describe("Window", () => {
	it("admits in order while bytes and requests last", async () => {
		const window = new Window(100, 3);
		assert.equal(window.acquire(60, undefined), undefined);
		const order: string[] = [];
		const large = window.acquire(50, undefined)?.then(() => order.push("large"));
		const small = window.acquire(10, undefined)?.then(() => order.push("small"));
		window.release(60);
		await Promise.all([large, small]);
		assert.deepEqual(order, ["large", "small"]);
		assert.equal(window.acquire(0, undefined), undefined);
		const fourth = window.acquire(0, undefined);
		assert.ok(fourth instanceof Promise, "three requests are in flight");
		window.release(0);
		await fourth;
	});

	it("lets what is larger than itself go alone", async () => {
		const window = new Window(100, 3);
		assert.equal(window.acquire(1000, undefined), undefined);
		const next = window.acquire(1, undefined);
		assert.ok(next instanceof Promise);
		window.release(1000);
		await next;
	});

	it("lets the next one through when the first is aborted", async () => {
		const window = new Window(100, 3);
		window.acquire(60, undefined);
		const controller = new AbortController();
		const large = window.acquire(50, controller.signal);
		const small = window.acquire(10, undefined);
		assert.ok(large instanceof Promise && small instanceof Promise);
		controller.abort(new Error("enough"));
		await assert.rejects(large, new Error("enough"));
		await small;
		window.release(60);
		window.release(10);
		assert.equal(window.acquire(100, undefined), undefined);
	});

	it("refuses everyone when it closes", async () => {
		const window = new Window(1, 1);
		window.acquire(1, undefined);
		const waiting = window.acquire(1, undefined);
		const reason = new UmbraError("unavailable", "over");
		window.close(reason);
		await assert.rejects(async () => waiting, reason);
		assert.throws(() => window.acquire(1, undefined), reason);
	});
});
