/** What an agent answered to an order, as an error of ours. */
import { type ErrorCode, UmbraError } from "../../common/errors.ts";
import type { wire } from "../../proto/service.ts";

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
	"not-found",
	"bad-config",
	"corrupt",
	"truncated",
	"unsupported",
	"unavailable",
	"denied",
	"conflict",
	"limit",
]);

/** @param what the order was about, for people */
export function refusedBy(agentId: string, what: string, result: wire.v1.OrderResult.$Properties): UmbraError {
	const { errorCode, message } = result;
	const code = errorCode && CODES.has(errorCode) ? (errorCode as ErrorCode) : "internal";
	return new UmbraError(code, `agent ${agentId} refused the order for ${what}: ${message || "it did not say why"}`);
}
