/** Who may speak to a program, and where it listens: whoever shows the token, over gRPC and HTTP alike. */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { messageOf, UmbraError } from "./errors.ts";

/** Shorter tokens can be guessed. */
const MIN_TOKEN_LENGTH = 16;

/** True where an `authorization` header or metadata value opens the door. */
export type Authorize = (authorization: string | undefined) => boolean;

/**
 * Reads the token file (one line). Without one, everyone on this machine is let in.
 *
 * @throws UmbraError `bad-config` where it cannot be read or holds no usable token.
 */
export async function loadAuthorize(tokenFile: string | undefined): Promise<Authorize> {
	if (tokenFile === undefined) return () => true;
	let token: string;
	try {
		token = (await readFile(tokenFile, "utf8")).trim();
	} catch (error) {
		throw new UmbraError("bad-config", `tokenFile: cannot read ${tokenFile}: ${messageOf(error)}`, {
			cause: error,
			context: { path: tokenFile, field: "tokenFile" },
		});
	}
	if (token.length < MIN_TOKEN_LENGTH || /\s/.test(token)) {
		throw new UmbraError("bad-config", `tokenFile: ${tokenFile} holds no token of ${MIN_TOKEN_LENGTH} characters`, {
			context: { path: tokenFile, field: "tokenFile" },
			hint: `head -c 32 /dev/urandom | base64 > ${tokenFile}`,
		});
	}
	// Digests have one length whatever was sent, which is what a comparison in constant time needs.
	const wanted = digest(token);
	return (authorization) => {
		const match = /^bearer +(\S+)$/i.exec(authorization ?? "");
		return timingSafeEqual(digest(match?.[1] ?? ""), wanted);
	};
}

function digest(text: string): Buffer {
	return createHash("sha256").update(text).digest();
}

export interface HostPort {
	readonly host: string;
	readonly port: number;
}

/** "127.0.0.1:7071", "[::1]:0" -> host and port. @throws UmbraError `bad-config`. */
export function parseAddress(field: string, text: string): HostPort {
	const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
	const port = Number(match?.[3]);
	if (match === null || port > 65535) {
		throw new UmbraError("bad-config", `${field}: not an address: "${text}"; wanted host:port or [v6]:port`, {
			context: { field, found: text },
		});
	}
	return { host: match[1] ?? match[2] ?? "", port };
}

export function formatAddress({ host, port }: HostPort): string {
	return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True where no other machine reaches it. */
export function isLoopback({ host }: HostPort): boolean {
	return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** @throws UmbraError `bad-config` for an address that other machines reach while no token is asked for. */
export function requireTokenBeyondLoopback(field: string, address: HostPort, tokenFile: string | undefined): void {
	if (isLoopback(address) || tokenFile !== undefined) return;
	const { host } = address;
	throw new UmbraError("bad-config", `${field}: ${host} is reachable from other machines, but there is no tokenFile`, {
		context: { field, found: host },
		hint: "set tokenFile, or listen on 127.0.0.1",
	});
}
