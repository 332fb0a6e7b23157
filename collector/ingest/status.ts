/** UmbraError -> gRPC status, so that an agent knows whether to try again. */
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type ErrorCode, isUmbraError, messageOf } from "../../common/errors.ts";

const STATUS: Readonly<Record<ErrorCode, status>> = {
	"not-found": status.NOT_FOUND,
	"bad-config": status.INVALID_ARGUMENT,
	corrupt: status.INVALID_ARGUMENT,
	truncated: status.INVALID_ARGUMENT,
	unsupported: status.FAILED_PRECONDITION,
	unavailable: status.UNAVAILABLE,
	denied: status.UNAUTHENTICATED,
	conflict: status.ABORTED,
	limit: status.RESOURCE_EXHAUSTED,
	internal: status.INTERNAL,
};

export function statusError(code: status, message: string): ServiceError {
	return Object.assign(new Error(message), { code, details: message, metadata: new Metadata() });
}

export function toStatus(error: unknown): ServiceError {
	if (!isUmbraError(error)) return statusError(status.INTERNAL, messageOf(error));
	return statusError(STATUS[error.code], error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
}
