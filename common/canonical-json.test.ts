import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalJson } from "./canonical-json.ts";

describe("canonicalJson", () => {
	it("writes what RFC 8785 does in its example of sorted members, and numbers as ECMAScript does", () => {
		// Section 3.2.3 of the RFC.
		const value = { "€": "Euro", "\r": "CR", "\ufb33": "H", "1": "One", "😀": "E", "\u0080": "C", ö: "O" };
		const wanted = '{"\\r":"CR","1":"One","\u0080":"C","ö":"O","€":"Euro","😀":"E","\ufb33":"H"}';
		assert.equal(canonicalJson(value), wanted);
		const numbers = { b: [1e21, 4.5, 2e-3, 1e-27, -0], a: undefined, c: { z: null, y: true } };
		assert.equal(canonicalJson(numbers), '{"b":[1e+21,4.5,0.002,1e-27,0],"c":{"y":true,"z":null}}');
	});
});
