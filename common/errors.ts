/**
 * The one error class of the project. Callers switch on `code`, never on the message; an operator
 * reads the message (what, where, found, wanted) and the hint.
 */

export type ErrorCode =
	| "not-found"
	| "bad-config"
	| "corrupt"
	| "truncated"
	| "unsupported"
	| "unavailable"
	| "denied"
	| "conflict"
	| "limit"
	| "internal";

/** Where and what: every value is shown to people as it is. */
export interface ErrorContext {
	readonly path?: string;
	/** Byte offset in whatever `path` or `structure` names. */
	readonly offset?: number | bigint;
	/** On-disk or on-wire structure, by its name in the specification. */
	readonly structure?: string;
	readonly field?: string;
	readonly found?: unknown;
	readonly wanted?: unknown;
	readonly [key: string]: unknown;
}

export interface ErrorOptions {
	readonly cause?: unknown;
	readonly hint?: string;
	readonly context?: ErrorContext;
}

export class UmbraError extends Error {
	readonly code: ErrorCode;
	readonly context: ErrorContext;
	readonly hint: string | undefined;

	constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.name = "UmbraError";
		this.code = code;
		this.context = options.context ?? {};
		this.hint = options.hint;
	}
}

/** True where `error` is ours and has one of these codes (any code, if none is given). */
export function isUmbraError(error: unknown, ...codes: readonly ErrorCode[]): error is UmbraError {
	return error instanceof UmbraError && (codes.length === 0 || codes.includes(error.code));
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** `ENOENT` and its kin; undefined where `error` did not come from the operating system. */
export function errnoOf(error: unknown): string | undefined {
	return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** True for what an `AbortSignal` throws: an end that was asked for, not a failure. */
export function isAbort(error: unknown): boolean {
	return error instanceof Error && (error.name === "AbortError" || errnoOf(error) === "ABORT_ERR");
}
