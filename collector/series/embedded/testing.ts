/** For the tests of this folder. */
import { pino } from "pino";
import { type Logger, silentLogger } from "../../../common/log.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { type EmbeddedSettings, embeddedSettings } from "../settings.ts";
import type { SeriesPlace } from "../suite/stores.ts";
import { type EmbeddedOptions, type EmbeddedStore, openEmbeddedStore } from "./embedded.ts";

export function testSettings(retention: Readonly<Record<string, string>> = {}): EmbeddedSettings {
	return embeddedSettings.parse({ store: "embedded", retention, memory: "256MiB" });
}

export interface EmbeddedPlace extends SeriesPlace {
	readonly folder: string;
	open(options?: Partial<EmbeddedOptions>): Promise<EmbeddedStore>;
}

export async function embeddedPlace(): Promise<EmbeddedPlace> {
	const folder = await tempFolder();
	return {
		folder: folder.path,
		open: async (options = {}) =>
			await openEmbeddedStore({ folder: folder.path, settings: testSettings(), log: silentLogger(), ...options }),
		[Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
	};
}

/** A logger whose lines are kept. */
export function keptLog(): { readonly log: Logger; readonly lines: string[] } {
	const lines: string[] = [];
	return { log: pino({ level: "info" }, { write: (line: string) => void lines.push(line) }), lines };
}
