/** For the tests of this folder. */
import { pino } from "pino";
import { type Logger, silentLogger } from "../../../common/log.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { type EmbeddedSettings, embeddedSettings } from "../settings.ts";
import { BASE_NS, HOUR_NS, type SeriesPlace } from "../suite/stores.ts";
import { type EmbeddedOptions, type EmbeddedStore, openEmbeddedStore } from "./embedded.ts";

export function testSettings(retention: Readonly<Record<string, string>> = {}): EmbeddedSettings {
	return embeddedSettings.parse({ store: "embedded", retention, memory: "256MiB" });
}

export interface EmbeddedPlace extends SeriesPlace {
	readonly folder: string;
	open(options?: Partial<EmbeddedOptions>): Promise<EmbeddedStore>;
}

/** The clock stands still an hour into what is written, so that no day is over whatever the time of the test. */
export async function embeddedPlace(): Promise<EmbeddedPlace> {
	const folder = await tempFolder();
	const now = (): bigint => BASE_NS + HOUR_NS - 1n;
	return {
		folder: folder.path,
		open: async (options = {}) =>
			await openEmbeddedStore({ folder: folder.path, settings: testSettings(), log: silentLogger(), now, ...options }),
		[Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
	};
}

/** A logger whose lines are kept. */
export function keptLog(): { readonly log: Logger; readonly lines: string[] } {
	const lines: string[] = [];
	return { log: pino({ level: "info" }, { write: (line: string) => void lines.push(line) }), lines };
}
