/** What an agent shows to the collector, from its settings. */
import { readFile } from "node:fs/promises";
import { messageOf, UmbraError } from "../../common/errors.ts";
import type { AgentConfig } from "../config.ts";
import type { UplinkTls } from "./link.ts";

export interface UplinkAccess {
	readonly token?: string;
	readonly tls?: UplinkTls;
}

/** @throws UmbraError `bad-config` where the token's file cannot be read. */
export async function uplinkAccess(
	collector: Pick<AgentConfig["collector"], "tokenFile" | "tls">,
): Promise<UplinkAccess> {
	const { tokenFile, tls } = collector;
	return {
		...(tokenFile === undefined ? {} : { token: (await readSetting(tokenFile)).trim() }),
		...(tls === undefined ? {} : { tls: uplinkTls(tls) }),
	};
}

/** Paths: the uplink reads the files itself, at every connection. */
function uplinkTls({ ca, cert, key, serverName }: NonNullable<AgentConfig["collector"]["tls"]>): UplinkTls {
	return {
		...(ca === undefined ? {} : { ca }),
		...(cert === undefined ? {} : { certificate: cert }),
		...(key === undefined ? {} : { key }),
		...(serverName === undefined ? {} : { serverName }),
	};
}

async function readSetting(path: string): Promise<string> {
	try {
		return await readFile(path, "utf8");
	} catch (error) {
		throw new UmbraError("bad-config", `cannot read ${path}: ${messageOf(error)}`, { cause: error, context: { path } });
	}
}
