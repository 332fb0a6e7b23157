/** Which version of keys and values a catalog has, and how an older one becomes the present one. */
import { UmbraError } from "../../common/errors.ts";
import { keys } from "./keys.ts";
import type { LevelStore } from "./store.ts";

/** What this program writes. 1: records had no checksum. */
const VERSION = 2;

interface Schema {
	readonly version: number;
	/** Not all records have a checksum yet. */
	readonly adding?: true;
}

/**
 * Makes a new catalog, or an older one, one of the present version.
 *
 * @throws UmbraError `unsupported` where a newer version wrote it, `corrupt`, `unavailable`, `limit`.
 */
export async function openSchema(store: LevelStore): Promise<void> {
	const found = await store.get<Schema>(keys.schema);
	const version: unknown = found === undefined ? undefined : found?.version;
	if (version === VERSION && found?.adding === undefined) return;
	if (found !== undefined && version !== 1 && version !== VERSION) {
		const path = store.folder;
		throw new UmbraError("unsupported", `${path} holds catalog version ${String(version)}`, {
			context: { path, found: version, wanted: VERSION },
			hint: "start the version of umbra that wrote it, or a newer one",
		});
	}
	if (found !== undefined) {
		// First of all, so that an older program leaves it alone.
		await store.batch([{ type: "put", key: keys.schema, value: { version: VERSION, adding: true } }]);
		await store.addChecksums();
	}
	await store.batch([{ type: "put", key: keys.schema, value: { version: VERSION } }]);
}
