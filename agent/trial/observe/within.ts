/** Waiting no longer than that. */
import { UmbraError } from "../../../common/errors.ts";

/** What `work` comes to. @throws UmbraError `unavailable` after `ms`; the work itself goes on, and what it fails with then is dropped. */
export async function within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
	work.catch(() => undefined);
	const { promise, reject } = Promise.withResolvers<never>();
	const timer = setTimeout(() => reject(new UmbraError("unavailable", `${what}: no answer within ${ms} ms`)), ms);
	try {
		return await Promise.race([work, promise]);
	} finally {
		clearTimeout(timer);
	}
}
