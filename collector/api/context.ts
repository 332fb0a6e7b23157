/** What the routes share: the parts of the collector that they ask, and how they find what a request names. */
import type { FastifyReply } from "fastify";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { ChangesetRecord, VmRecord } from "../catalog/records.ts";
import type { ExportTable } from "../export/exports.ts";
import type { AgentTable } from "../ingest/agents.ts";
import type { TelemetryTable } from "../ingest/telemetry.ts";
import type { PointTickets } from "../ingest/tickets.ts";
import type { Healer } from "../integrity/healer.ts";
import type { Patrol } from "../integrity/patrol.ts";
import type { Judge } from "../judge.ts";
import type { SelfMeter } from "../metering/self-meter.ts";
import type { Retention } from "../retention/retention.ts";
import type { VaultJobs } from "../retention/vault-jobs.ts";
import type { SeriesStore } from "../series/series-store.ts";
import type { SignatureBook } from "../signature/signatures.ts";
import type { TrialBatches } from "../trial/batches.ts";
import type { VaultStore } from "../vault/chunk-store.ts";
import type { PointReader } from "./points.ts";
import { LATEST, parseTime } from "./time.ts";

export interface ApiServices {
	readonly catalog: Catalog;
	readonly store: VaultStore;
	readonly exports: ExportTable;
	readonly agents: AgentTable;
	readonly tickets: PointTickets;
	readonly telemetry: TelemetryTable;
	readonly judge: Judge;
	readonly retention: Retention;
	readonly jobs: VaultJobs;
	readonly healer: Healer;
	readonly patrol: Patrol;
	readonly self: SelfMeter;
	readonly series: SeriesStore;
	readonly signatures: SignatureBook;
	readonly batches: TrialBatches;
	readonly log: Logger;
}

export interface ApiContext extends ApiServices {
	readonly points: PointReader;
	/** Aborts when the server closes. */
	readonly closing: AbortSignal;
}

/** Aborts when the client goes away or the server closes. */
export function requestSignal(reply: FastifyReply, closing: AbortSignal): AbortSignal {
	const gone = new AbortController();
	reply.raw.once("close", () => gone.abort(new UmbraError("unavailable", "the client went away")));
	return AbortSignal.any([gone.signal, closing]);
}

/** @throws UmbraError `not-found`. */
export async function findPoint(catalog: Catalog, vm: string, time: string): Promise<ChangesetRecord> {
	const { last } = parseTime("time", time);
	const point = await catalog.changesetAt(vm, last);
	if (point !== undefined) return point;
	if ((await catalog.vm(vm)) === undefined) throw unknownVm(vm);
	const when = last === LATEST ? "" : ` at or before ${time}`;
	throw new UmbraError("not-found", `VM ${vm} has no point${when}`, { hint: `umbra points ${vm} lists them` });
}

/** @throws UmbraError `not-found`. */
export async function requireVm(catalog: Catalog, vm: string): Promise<VmRecord> {
	const record = await catalog.vm(vm);
	if (record === undefined) throw unknownVm(vm);
	return record;
}

export function unknownVm(vm: string): UmbraError {
	return new UmbraError("not-found", `no VM named ${JSON.stringify(vm)}`, { hint: "umbra vms lists them" });
}

/** True for what a read ends with because it was told to. */
export function wasAborted(error: unknown, signal: AbortSignal): boolean {
	return signal.aborted && (error === signal.reason || isUmbraError(error, "unavailable"));
}
