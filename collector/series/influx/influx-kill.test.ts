/** What was accepted is in the database in the end, whoever was killed meanwhile. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Influx } from "../../../test/support/influx.ts";
import { startProgram } from "../../../test/support/processes.ts";
import { testRandom } from "../../../test/support/random.ts";
import { needs } from "../../../test/support/requires.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { storeAt } from "./testing.ts";

const WRITER = fileURLToPath(new URL("./writer-child.ts", import.meta.url));
const DATABASE = "kills";

describe("InfluxStore, killed", needs("influxd"), () => {
	it("loses nothing that it accepted: SIGKILL of the database, of the collector, and of both", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		for (const name of ["influx", "store"]) await mkdir(folder.file(name));
		await using influx = await Influx.start(folder.file("influx"));
		let accepted = 0;
		for (const killed of [...random.shuffle(["database", "collector", "both"]), "collector", "database"]) {
			await using writer = await startProgram(process.execPath, [
				...[WRITER, influx.url, DATABASE, folder.file("store"), String(accepted)],
			]);
			await writer.said(/^ok \d+$/m);
			await sleep(random.below(300));
			if (killed !== "collector") await influx.kill();
			if (killed === "both") await writer.kill();
			// The collector goes on without its database for a while.
			if (killed === "database") await sleep(random.below(300));
			if (killed !== "collector") await influx.restart();
			await sleep(random.below(300));
			await writer.kill();
			const said = [...writer.stdout().matchAll(/^ok (\d+)$/gm)].map((match) => Number(match[1]));
			assert.ok(Math.max(...said) > accepted, `${said}`);
			accepted = Math.max(...said);
		}
		await using store = await storeAt(influx.url, folder.file("store"), { database: DATABASE });
		await store.flush();
		const [row] = await influx.query(
			`SELECT count("celsius"), sum("celsius") FROM "host_temperature" WHERE "celsius" < ${accepted}`,
			DATABASE,
		);
		assert.deepEqual(row?.values[0]?.slice(1), [accepted, (accepted * (accepted - 1)) / 2]);
		assert.equal(store.status().pointsRefused, 0);
	});
});
