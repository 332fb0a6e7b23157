/** What gRPC says, in the project's words. */
import { status } from "@grpc/grpc-js";
import { type ErrorCode, isAbort, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";

const CODES: Readonly<Record<number, ErrorCode>> = {
	[status.UNAUTHENTICATED]: "denied",
	[status.PERMISSION_DENIED]: "denied",
	[status.RESOURCE_EXHAUSTED]: "limit",
	[status.UNIMPLEMENTED]: "unsupported",
	[status.FAILED_PRECONDITION]: "unsupported",
	[status.INVALID_ARGUMENT]: "conflict",
	[status.DATA_LOSS]: "corrupt",
};

/** Ours and aborts as they are; an unknown status is `unavailable`, which is worth another try. */
export function translateRpcError(error: unknown, doing: string, address: string): unknown {
	if (isUmbraError(error) || isAbort(error)) return error;
	const code = typeof error === "object" && error !== null && "code" in error ? Number(error.code) : Number.NaN;
	const ours = CODES[code] ?? "unavailable";
	return new UmbraError(ours, `cannot ${doing} the collector at ${address}: ${messageOf(error)}`, {
		cause: error,
		context: { address },
		...(ours === "denied" ? { hint: "check the agent's token and certificate against the collector's" } : {}),
	});
}
