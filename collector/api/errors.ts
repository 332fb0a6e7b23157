/** UmbraError -> HTTP: `{error: {code, message, hint}}` with the status that fits. */
import type { FastifyError, FastifyRequest } from "fastify";
import { type ErrorCode, errnoOf, isUmbraError, messageOf } from "../../common/errors.ts";

const STATUS: Readonly<Record<ErrorCode, number>> = {
	"not-found": 404,
	"bad-config": 400,
	corrupt: 500,
	truncated: 500,
	unsupported: 422,
	unavailable: 503,
	denied: 401,
	conflict: 409,
	limit: 503,
	internal: 500,
};

export interface ErrorBody {
	readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint?: string };
}

export function toHttp(error: unknown): { readonly status: number; readonly body: ErrorBody } {
	if (isUmbraError(error)) {
		const { code, message, hint } = error;
		return { status: STATUS[code], body: { error: { code, message, ...(hint === undefined ? {} : { hint }) } } };
	}
	// What fastify itself refuses: a malformed request.
	const status = error instanceof Error ? ((error as FastifyError).statusCode ?? 500) : 500;
	const code = status === 404 ? "not-found" : status < 500 ? "bad-config" : "internal";
	return { status, body: { error: { code, message: `${messageOf(error)}${allowedBy(error)}` } } };
}

/** The values of an enumeration that a parameter is none of: ajv does not name them. */
function allowedBy(error: unknown): string {
	const [issue] = (error as Partial<FastifyError>).validation ?? [];
	const allowed: unknown = issue?.keyword === "enum" ? issue.params["allowedValues"] : undefined;
	return Array.isArray(allowed) ? `: ${allowed.join(", ")}` : "";
}

/** True for what fastify refuses since a body is longer than its route takes. */
export function isTooLarge(error: unknown): boolean {
	return errnoOf(error) === "FST_ERR_CTP_BODY_TOO_LARGE";
}

/** @param request whose body was refused */
export function tooLarge({ method, headers, routeOptions }: FastifyRequest): {
	readonly status: number;
	readonly body: ErrorBody;
} {
	const { url = "", bodyLimit } = routeOptions;
	const found = headers["content-length"] ?? `more than ${bodyLimit}`;
	const message = `${method} ${url}: a body of ${found} bytes; wanted at most ${bodyLimit}`;
	return { status: 413, body: { error: { code: "bad-config", message, hint: "send it in parts" } } };
}
