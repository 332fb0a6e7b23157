/** Exports a point for as long as the command runs: asks the collector for it, keeps its lease, ends it. */
import { lstat } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExportView } from "../collector/export/exports.ts";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../common/errors.ts";
import { formatBytes } from "../common/units.ts";
import { runProgram } from "../packaging/guest/programs.ts";
import { type CollectorClient, vmPath } from "./collector-client.ts";
import { isoTime } from "./commands/vms.ts";
import { printable } from "./printable.ts";

const LEASE_SECONDS = 60;
/** Several go into a lease, so that one lost answer does not end it. */
const RENEW_MS = 15_000;

export interface ExportOptions {
	readonly client: CollectorClient;
	/** Its URL, for what is said of its machine. */
	readonly collector: string | undefined;
	readonly vm: string;
	readonly time: string;
	readonly disk: string | undefined;
	readonly listen: string | undefined;
	/** Path of a qcow2 image to make. */
	readonly overlay: string | undefined;
	readonly json: boolean;
	/** Ends the export. */
	readonly signal: AbortSignal;
	print(line: string): void;
}

/**
 * Resolves once the export was ended by the signal.
 *
 * @throws UmbraError of the collector; `conflict` where the overlay exists, `bad-config` where it has several disks to
 * lie over, `unavailable` where the export ended before it was told to.
 */
export async function exportPoint(options: ExportOptions): Promise<void> {
	const { client, vm, time, disk, listen, overlay, json, signal, print } = options;
	if (overlay !== undefined) await refuseToReplace(overlay);
	const query = { disk, listen: absoluteListen(listen), leaseSeconds: LEASE_SECONDS };
	const view = await client.post<ExportView>(vmPath(vm, "points", time, "exports"), query, signal);
	const path = `/v1/exports/${view.id}`;
	try {
		if (overlay !== undefined) await makeOverlay(view, overlay, signal);
		if (json) print(JSON.stringify(overlay === undefined ? view : { ...view, overlay: resolve(overlay) }));
		else for (const line of describe(view, options)) print(line);
		await keep(client, path, signal);
	} finally {
		// Not by the signal, which has fired. One that is gone already is what is wanted.
		await client.fetch(path, {}, { method: "DELETE" }).catch(() => undefined);
	}
}

/** Renews the lease until the signal fires. */
async function keep(client: CollectorClient, path: string, signal: AbortSignal): Promise<void> {
	let renewed = performance.now();
	while (!signal.aborted) {
		await sleep(RENEW_MS, undefined, { signal }).catch(() => undefined);
		if (signal.aborted) return;
		try {
			await client.post<ExportView>(`${path}/renew`, {}, signal);
			renewed = performance.now();
		} catch (error) {
			if (signal.aborted) return;
			// Unreachable for a moment is nothing yet.
			if (isUmbraError(error, "unavailable") && performance.now() - renewed < LEASE_SECONDS * 1000) continue;
			throw new UmbraError("unavailable", `the export has ended: ${messageOf(error)}`, { cause: error });
		}
	}
}

/** The collector may run elsewhere in the file system; a relative path counts from here. */
function absoluteListen(listen: string | undefined): string | undefined {
	return listen?.startsWith("unix:") === true ? `unix:${resolve(listen.slice("unix:".length))}` : listen;
}

async function makeOverlay({ vm, disks }: ExportView, overlay: string, signal: AbortSignal): Promise<void> {
	const [only, second] = disks;
	if (only === undefined || second !== undefined) {
		const names = disks.map(({ disk }) => disk).join(", ");
		throw new UmbraError("bad-config", `VM ${vm} has several disks: ${names}; an overlay lies over one`, {
			hint: "name it with --disk",
		});
	}
	await runProgram("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", only.uri, overlay], { signal });
}

async function refuseToReplace(path: string): Promise<void> {
	try {
		await lstat(path);
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return;
		throw new UmbraError("unavailable", `${path}: ${messageOf(error)}`, { cause: error });
	}
	throw new UmbraError("conflict", `${path} exists`, {
		hint: "an overlay holds what was written to it: name a new file",
	});
}

function describe(view: ExportView, { overlay, collector }: ExportOptions): string[] {
	const { vm, time, disks, listen } = view;
	const lines = [`${printable(vm)} as of ${isoTime(time)}, read-only, until Ctrl-C:`];
	for (const { disk, sizeBytes, uri } of disks) lines.push(`  ${printable(disk)}  ${formatBytes(sizeBytes)}  ${uri}`);
	const host = URL.parse(collector ?? "")?.hostname ?? "";
	if (host !== "" && !/^(localhost|127\.|\[::1\])/.test(host)) {
		lines.push(`That is on ${host}. From here: ssh -L ADDRESS:${listen.replace(/^unix:/, "")} ${host}`);
	}
	if (overlay === undefined) return lines;
	const again = [
		`umbra export ${shell(`${vm}@${time}`)}`,
		`--disk ${shell(disks[0]?.disk ?? "")}`,
		`--listen ${shell(listen)}`,
	];
	lines.push(
		"",
		`${overlay} lies over it and takes what is written. Boot it while this runs:`,
		`  qemu-system-x86_64 -m 2G -nic none -drive file=${shell(overlay)},format=qcow2,if=virtio`,
		"Its backing is found at this address only. To have it again another time:",
		`  ${again.join(" ")}`,
	);
	return lines;
}

/** As one word of a shell's command line. */
function shell(text: string): string {
	return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
