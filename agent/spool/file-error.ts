/** What the operating system says about the spool's files, in the project's words. */
import { errnoOf, isAbort, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";

/** No room: on the device, in the quota, or by the process's own file size limit. */
const NO_ROOM = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Ours and aborts as they are; no room is `limit`; anything else is `unavailable`. */
export function translateFileError(error: unknown, doing: string, path: string): unknown {
	if (isUmbraError(error) || isAbort(error)) return error;
	if (NO_ROOM.has(errnoOf(error) ?? "")) {
		return new UmbraError("limit", `no room to ${doing} ${path}: ${messageOf(error)}`, {
			cause: error,
			context: { path },
			hint: "free space where the agent keeps its state, or lower its spool limit below what the device has",
		});
	}
	return new UmbraError("unavailable", `cannot ${doing} ${path}: ${messageOf(error)}`, {
		cause: error,
		context: { path },
	});
}
