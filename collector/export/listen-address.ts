/** Where an export listens: a unix socket, or a port of this machine. NBD asks nobody who they are. */
import { lstat, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { formatAddress, type HostPort, isLoopback, parseAddress } from "../../common/access.ts";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";

export type ListenAddress = { readonly path: string } | HostPort;

/** `sun_path` has 108 bytes, one of them for the end. */
const MAX_SOCKET_PATH_BYTES = 107;
/** A umask that leaves a new socket to its owner. */
const OWNER_ONLY = 0o177;

/** "unix:/path" or "127.0.0.1:10809". @throws UmbraError `bad-config`, `denied` for an address that other machines reach. */
export function parseListen(text: string): ListenAddress {
	if (text.startsWith("unix:")) return checkedPath(text.slice("unix:".length));
	const address = parseAddress("listen", text);
	if (isLoopback(address)) return address;
	throw new UmbraError(
		"denied",
		`listen: ${address.host} is reachable from other machines, and NBD asks for no token`,
		{
			context: { field: "listen", found: text },
			hint: "export on a unix socket and forward it: ssh -L LOCAL.sock:REMOTE.sock HOST",
		},
	);
}

/** @throws UmbraError `bad-config`. */
export function checkedPath(path: string): { readonly path: string } {
	const length = Buffer.byteLength(path);
	if (path.startsWith("/") && !path.includes("\0") && length <= MAX_SOCKET_PATH_BYTES) return { path };
	const wanted = `an absolute path of at most ${MAX_SOCKET_PATH_BYTES} bytes`;
	throw new UmbraError("bad-config", `listen: no path for a unix socket: ${JSON.stringify(path)}; wanted ${wanted}`, {
		context: { field: "listen", found: path, wanted },
		hint: "--listen unix:/run/umbra.sock names a shorter one",
	});
}

/** "unix:/path" or "127.0.0.1:10809". */
export function formatListen(address: ListenAddress): string {
	return "path" in address ? `unix:${address.path}` : formatAddress(address);
}

/** The URI under which NBD programs find an export. */
export function nbdUri(address: ListenAddress, exportName: string): string {
	const name = encodeURIComponent(exportName);
	if (!("path" in address)) return `nbd://${formatAddress(address)}/${name}`;
	return `nbd+unix:///${name}?socket=${encodeURIComponent(address.path).replaceAll("%2F", "/")}`;
}

/**
 * Listens; a socket is open to its owner alone from the first moment. One that a killed process left is replaced.
 *
 * @returns the address with the real port.
 * @throws UmbraError `conflict` where the address is taken, `unavailable`.
 */
export async function listen(server: Server, address: ListenAddress): Promise<ListenAddress> {
	try {
		await listenOnce(server, address);
	} catch (error) {
		const taken = errnoOf(error) === "EADDRINUSE";
		if (!taken || !("path" in address) || !(await isAbandoned(address.path))) throw translate(error, address, taken);
		try {
			await unlink(address.path);
			await listenOnce(server, address);
		} catch (second) {
			throw translate(second, address, errnoOf(second) === "EADDRINUSE");
		}
	}
	const bound = server.address();
	if ("path" in address || bound === null || typeof bound === "string") return address;
	return { host: address.host, port: bound.port };
}

function listenOnce(server: Server, address: ListenAddress): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once("error", reject);
		const done = () => {
			server.off("error", reject);
			resolve();
		};
		if (!("path" in address)) {
			server.listen(address, done);
			return;
		}
		// The socket is made before `listen` returns. A mode set afterwards would leave a moment for others.
		const before = process.umask(OWNER_ONLY);
		try {
			server.listen(address.path, done);
		} finally {
			process.umask(before);
		}
	});
}

/** A socket at which nobody listens. Anything else is somebody's. */
async function isAbandoned(path: string): Promise<boolean> {
	const isSocket = await lstat(path).then(
		(found) => found.isSocket(),
		() => false,
	);
	if (!isSocket) return false;
	return await new Promise((resolve) => {
		const probe = connect(path, () => {
			probe.destroy();
			resolve(false);
		});
		probe.once("error", (error) => resolve(errnoOf(error) === "ECONNREFUSED"));
	});
}

function translate(error: unknown, address: ListenAddress, taken: boolean): UmbraError {
	const where = formatListen(address);
	const message = taken ? `cannot export on ${where}: it is taken` : `cannot export on ${where}: ${messageOf(error)}`;
	return new UmbraError(taken ? "conflict" : "unavailable", message, {
		cause: error,
		context: { field: "listen", found: where },
	});
}
