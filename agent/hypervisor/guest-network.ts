/**
 * What a running machine's own guest agent tells of its network. QEMU's line to it takes one client at a time, and another's answers
 * are not to be taken: it is asked only where nobody else is connected (under libvirt somebody always is), for moments, and only read.
 */
import { z } from "zod";
import { messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { AGENT_PORT, GuestAgent } from "../guest/guest-agent.ts";
import { askNetwork, type GuestNetwork } from "../guest/network.ts";
import { SocketLine } from "../guest/socket-line.ts";
import { PERIPHERALS, parse } from "./block-graph.ts";
import type { QmpClient } from "./qmp.ts";

/** For all that is asked: the capture waits. A file that is open then is closed in a second more. */
const ASKED_MS = 3000;

const devicesShape = z.array(z.object({ name: z.string(), type: z.string() }));
const chardevsShape = z.array(
	z.object({ label: z.string(), filename: z.string(), "frontend-open": z.boolean().default(false) }),
);

/** Undefined where there is no agent, or it is not to be asked. Never rejects. */
export async function readGuestNetwork(qmp: QmpClient, log: Logger): Promise<GuestNetwork | undefined> {
	try {
		const path = await findLine(qmp);
		if (path === undefined) return undefined;
		await using line = await SocketLine.connect(path);
		using agent = new GuestAgent(line);
		return await askNetwork(agent, AbortSignal.timeout(ASKED_MS));
	} catch (error) {
		log.debug({ reason: messageOf(error) }, "the machine's guest agent does not tell of its network");
		return undefined;
	}
}

/** The socket at which QEMU listens for a client of the agent, where an agent is there and no client. */
async function findLine(qmp: QmpClient): Promise<string | undefined> {
	const label = await findPort(qmp);
	if (label === undefined) return undefined;
	const chardevs = parse(chardevsShape, await qmp.execute("query-chardev"), "query-chardev");
	const found = chardevs.find((each) => each.label === label);
	if (found?.["frontend-open"] !== true) return undefined;
	return /^disconnected:unix:(\/.*?),server(?:=on)?$/.exec(found.filename)?.[1];
}

/** What QEMU calls the other end of the agent's port. */
async function findPort(qmp: QmpClient): Promise<string | undefined> {
	for (const folder of PERIPHERALS) {
		const devices = parse(devicesShape, await qmp.execute("qom-list", { path: folder }), "qom-list");
		for (const { name } of devices.filter(({ type }) => type === "child<virtserialport>")) {
			const path = `${folder}/${name}`;
			if ((await qmp.execute("qom-get", { path, property: "name" })) !== AGENT_PORT) continue;
			return String(await qmp.execute("qom-get", { path, property: "chardev" }));
		}
	}
	return undefined;
}
