/** A folder that goes with its test. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TempFolder extends AsyncDisposable {
	readonly path: string;
	/** A path in it. */
	file(name: string): string;
}

/** Named briefly: unix sockets lie in it, and their paths end at 107 bytes. */
export async function tempFolder(): Promise<TempFolder> {
	const path = await mkdtemp(join(tmpdir(), "umbra-"));
	return {
		path,
		file: (name) => join(path, name),
		[Symbol.asyncDispose]: async () => {
			await rm(path, { recursive: true, force: true, maxRetries: 3 });
		},
	};
}
