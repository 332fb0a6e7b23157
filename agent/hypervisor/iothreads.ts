/**
 * Disks that QEMU serves in a thread of their own (`iothread=`). Before 9.0 its NBD server is not safe with them: it aborts, and
 * the guest with it, where a client of such an export goes away by itself, as an agent that is killed does (7.2.22: an
 * assertion in `nbd_blockdev_client_closed`). So they are not captured there.
 */
import { z } from "zod";
import { UmbraError } from "../../common/errors.ts";
import { type BlockDevice, parse } from "./block-graph.ts";
import type { QmpClient } from "./qmp.ts";

/** The first whose server only ever lets go of clients in its main thread, as its source has it (nbd/server.c, `client_close`). */
const SAFE_MAJOR = 9;
/** Steps from a disk up to the controller that names the thread, at most. */
const MAX_STEPS = 8;

const versionShape = z.object({ qemu: z.object({ major: z.number(), minor: z.number(), micro: z.number() }) });

/** @throws UmbraError `unsupported` where one of the disks must not be exported. */
export async function refuseIoThreads(qmp: QmpClient, devices: readonly BlockDevice[]): Promise<void> {
	const threads = parse(z.array(z.unknown()), await qmp.execute("query-iothreads"), "query-iothreads");
	if (threads.length === 0) return;
	const { qemu } = parse(versionShape, await qmp.execute("query-version"), "query-version");
	if (qemu.major >= SAFE_MAJOR) return;
	for (const { id, qomPath } of devices) {
		const thread = await threadOf(qmp, qomPath);
		if (thread === undefined) continue;
		const version = `${qemu.major}.${qemu.minor}.${qemu.micro}`;
		throw new UmbraError(
			"unsupported",
			`disk ${id} has a thread of its own (iothread), which QEMU ${version} does not survive`,
			{
				context: { structure: "iothread", found: thread, wanted: `QEMU ${SAFE_MAJOR}.0 or later` },
				hint: `to capture it would risk the VM: QEMU aborts where the reader of a snapshot goes away. Update QEMU to ${SAFE_MAJOR}.0, start the VM without iothread, or exclude the disk`,
			},
		);
	}
}

/** Of the device itself, or of the controller that it hangs at. */
async function threadOf(qmp: QmpClient, qomPath: string): Promise<string | undefined> {
	const bus = await property(qmp, qomPath, "parent_bus");
	for (const start of [qomPath, `${qomPath}/virtio-backend`, ...(bus === undefined ? [] : [bus])]) {
		for (let path = start, step = 0; path.split("/").length > 3 && step < MAX_STEPS; step++) {
			const thread = await property(qmp, path, "iothread");
			if (thread !== undefined) return thread;
			path = path.slice(0, path.lastIndexOf("/"));
		}
	}
	return undefined;
}

/** Most devices have no such property, or name nothing by it. */
async function property(qmp: QmpClient, path: string, name: string): Promise<string | undefined> {
	try {
		const value = await qmp.execute("qom-get", { path, property: name });
		return typeof value === "string" && value !== "" ? value : undefined;
	} catch (error) {
		if (qmp.closed.aborted) throw error;
		return undefined;
	}
}
