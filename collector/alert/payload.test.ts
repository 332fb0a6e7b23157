import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import type { AlertRecord } from "../catalog/records.ts";
import { payloadOf } from "./payload.ts";

describe("payloadOf", () => {
	it("is what docs/alerts.md shows", async () => {
		const text = await readFile(new URL("../../docs/alerts.md", import.meta.url), "utf8");
		const shown = JSON.parse(/```json\n([\s\S]*?)```/.exec(text)?.[1] ?? "");
		const alert: AlertRecord = {
			...shown,
			time: "1795290485310000000",
			changesetTime: "1795290483123000000",
			lastSeen: "1795290483123000000",
			quiet: 0,
			resolvedTime: null,
			undelivered: ["noc"],
		};
		assert.deepEqual(payloadOf(alert), shown);
		assert.deepEqual(Object.keys(payloadOf(alert)), Object.keys(shown));
	});
});
