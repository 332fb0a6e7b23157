/** The store on a real InfluxDB, Debian's 1.6.7. */
import { mkdir } from "node:fs/promises";
import { after, before, describe } from "node:test";
import { silentLogger } from "../../../common/log.ts";
import { Influx } from "../../../test/support/influx.ts";
import { needs } from "../../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../../test/support/temp.ts";
import { behavesAsSeriesStore } from "../suite/suite.ts";
import { openInfluxStore } from "./influx-store.ts";
import { influxSettings } from "./settings.ts";

describe("InfluxStore", needs("influxd"), () => {
	let folder: TempFolder;
	let influx: Influx;
	let places = 0;
	before(async () => {
		folder = await tempFolder();
		influx = await Influx.start(folder.path);
	});
	after(async () => {
		await influx[Symbol.asyncDispose]();
		await folder[Symbol.asyncDispose]();
	});

	behavesAsSeriesStore("InfluxStore", async () => {
		const database = `place ${places++}`;
		const own = folder.file(database);
		await mkdir(own);
		const settings = influxSettings.parse({ store: "influxdb", url: influx.url, database });
		return {
			open: async (options = {}) => await openInfluxStore({ folder: own, settings, log: silentLogger(), ...options }),
			[Symbol.asyncDispose]: async () => {
				await influx.query(`DROP DATABASE "${database}"`);
			},
		};
	});
});
