import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { silentLogger } from "../../common/log.ts";
import { type Point, point } from "../../common/measurements/measurements.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { openSeriesStore } from "./open.ts";
import { seriesSettings } from "./settings.ts";

const POINT = point("agent", { host: "h" }, BigInt(Date.now()) * 1_000_000n, { vms: 3 }) as Point;

describe("openSeriesStore", () => {
	it("opens the store that is asked for, in a folder of its own", async () => {
		await using folder = await tempFolder();
		await using store = await openSeriesStore({
			folder: folder.path,
			settings: seriesSettings.parse({}),
			log: silentLogger(),
		});
		await store.write([POINT]);
		assert.equal(store.status().kind, "embedded");
	});

	it("does without one that cannot be opened, takes nothing for written, and opens it once it can be", async () => {
		await using folder = await tempFolder();
		const options = { folder: folder.path, settings: seriesSettings.parse({}), log: silentLogger() };
		await mkdir(folder.path, { recursive: true });
		await writeFile(folder.file("embedded"), "in the way");
		{
			await using store = await openSeriesStore(options);
			await assert.rejects(store.write([POINT]), { code: "unavailable", message: /could not be opened: .*embedded/ });
			assert.deepEqual([store.status().pointsWritten, store.status().writeFailures], [0, 1]);
		}
		await rm(folder.file("embedded"));
		await using store = await openSeriesStore(options);
		await store.write([POINT]);
	});

	it("refuses settings that make no sense", async () => {
		await using folder = await tempFolder();
		const settings = seriesSettings.parse({
			store: "influxdb",
			url: "http://127.0.0.1:1",
			tokenFile: "/nowhere/token",
		});
		await assert.rejects(openSeriesStore({ folder: folder.path, settings, log: silentLogger() }), {
			code: "bad-config",
		});
	});
});
