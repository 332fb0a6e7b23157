/**
 * Writes points to the InfluxDB store, as many agents at a time would, until the database has them all; with `keep` until
 * they are accepted only.
 *
 * usage: node influx-store-child.ts URL DATABASE FOLDER KIND POINTS [keep]
 * prints {"seconds":...,"cpuSeconds":...,"pointsWritten":...}
 */

import { setFlagsFromString } from "node:v8";
import { openInfluxStore } from "../../collector/series/influx/influx-store.ts";
import { influxSettings } from "../../collector/series/influx/settings.ts";
import { silentLogger } from "../../common/log.ts";
import { type Kind, rounds } from "./influx-data.ts";

/** Writes under way at a time. */
const WRITERS = 64;

const [url = "", database = "", folder = "", kind = "", count = "", keep] = process.argv.slice(2);
setFlagsFromString("--external-memory-accounted-in-global-limit"); // As the collector does.
const batches = rounds(kind as Kind, Number(count));
const settings = influxSettings.parse({ store: "influxdb", url, database, version: 1, backlogLimit: "10GiB" });
await using store = await openInfluxStore({ folder, settings, log: silentLogger() });
const cpu = process.cpuUsage();
const start = performance.now();
const writer = async (): Promise<void> => {
	for (let each = batches.next(); !each.done; each = batches.next()) await store.write(each.value);
};
await Promise.all(Array.from({ length: WRITERS }, writer));
if (keep !== "keep") await store.flush();
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
const { pointsWritten, pointsRefused, writeFailures } = store.status();
console.log(
	JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, pointsWritten, pointsRefused, writeFailures }),
);
