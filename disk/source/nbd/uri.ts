/** NBD URIs. Spec: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md */
import { UmbraError } from "../../../common/errors.ts";
import type { NbdAddress } from "./stream.ts";

const DEFAULT_PORT = 10809;

export interface NbdTarget {
	readonly address: NbdAddress;
	readonly exportName: string;
}

export function isNbdUri(text: string): boolean {
	return /^nbd[a-z]*(\+[a-z]+)?:\/\//i.test(text);
}

/**
 * `nbd://host:port/export` or `nbd+unix:///export?socket=PATH`.
 *
 * @throws UmbraError `bad-config` where it is neither, `unsupported` for TLS (`nbds`) and vsock.
 */
export function parseNbdUri(text: string): NbdTarget {
	const wanted = "nbd://host:port/export or nbd+unix:///export?socket=PATH";
	const url = URL.parse(text);
	if (url === null) throw badUri(text, wanted);
	let exportName: string;
	try {
		exportName = decodeURIComponent(url.pathname.replace(/^\//, ""));
	} catch {
		throw badUri(text, wanted);
	}
	switch (url.protocol) {
		case "nbd:":
			if (url.hostname === "") throw badUri(text, "a host");
			return {
				// An IPv6 address stands in brackets in a URI, and without them everywhere else.
				address: {
					host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
					port: url.port === "" ? DEFAULT_PORT : Number(url.port),
				},
				exportName,
			};
		case "nbd+unix:": {
			const path = url.searchParams.get("socket");
			if (path === null || path === "") throw badUri(text, "?socket=PATH");
			return { address: { path }, exportName };
		}
		default:
			throw new UmbraError("unsupported", `${text}: ${url.protocol}// is not supported; wanted ${wanted}`, {
				context: { path: text, found: url.protocol, wanted },
			});
	}
}

function badUri(text: string, wanted: string): UmbraError {
	return new UmbraError("bad-config", `${text}: not an NBD URI; wanted ${wanted}`, { context: { path: text, wanted } });
}
