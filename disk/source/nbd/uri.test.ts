import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../../common/errors.ts";
import { isNbdUri, parseNbdUri } from "./uri.ts";

describe("parseNbdUri", () => {
	const good = [
		["nbd://host:1234/disk", { address: { host: "host", port: 1234 }, exportName: "disk" }],
		["nbd://10.0.0.1", { address: { host: "10.0.0.1", port: 10809 }, exportName: "" }],
		["nbd://[::1]:99/a%20b", { address: { host: "::1", port: 99 }, exportName: "a b" }],
		["nbd://host//etc/x", { address: { host: "host", port: 10809 }, exportName: "/etc/x" }],
		["nbd+unix:///vda?socket=/run/a%20b.sock", { address: { path: "/run/a b.sock" }, exportName: "vda" }],
		["nbd+unix:///?socket=s", { address: { path: "s" }, exportName: "" }],
	] as const;
	for (const [text, target] of good) {
		it(`understands ${text}`, () => {
			assert.ok(isNbdUri(text));
			assert.deepEqual(parseNbdUri(text), target);
		});
	}
	const bad = [
		["nbd:///export", "bad-config"],
		["nbd+unix:///export", "bad-config"],
		["nbd://host:99999/", "bad-config"],
		["nbd://host/%ff", "bad-config"],
		["nbds://host/export", "unsupported"],
		["nbd+vsock://1/", "unsupported"],
	] as const;
	for (const [text, code] of bad) {
		it(`refuses ${text} as ${code}`, () => {
			assert.ok(isNbdUri(text));
			assert.throws(
				() => parseNbdUri(text),
				(error) => isUmbraError(error, code) && error.context.path === text,
			);
		});
	}

	it("leaves paths alone", () => {
		for (const path of ["nbd", "nbd:x", "/srv/nbd://x", "disk.raw"]) assert.ok(!isNbdUri(path), path);
	});
});
