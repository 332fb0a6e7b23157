import { readSync } from "node:fs";

/** Fills `into` from a place in a file, on a thread that may wait. @returns false where there are not so many bytes, or they cannot be read. */
export function readFully(fd: number, into: Uint8Array, offset: number): boolean {
	try {
		for (let done = 0; done < into.length; ) {
			const got = readSync(fd, into, done, into.length - done, offset + done);
			if (got === 0) return false;
			done += got;
		}
		return true;
	} catch {
		return false;
	}
}
