/**
 * `collector/` runs centrally: it takes in what agents send (`ingest/`), keeps block contents
 * (`vault/`) and history (`catalog/`), judges every changeset (`judge.ts`, `detect/`), lets go of what is
 * not wanted any more (`retention/`), tells people (`alert/`) and answers questions (`api/`). It knows
 * agents only through `proto/`.
 *
 * This file wires one collector together: it opens in the order in which data flows back, so that
 * closing in the opposite order leaves nothing half done.
 */
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { createSecureContext } from "node:tls";
import { loadAuthorize, parseAddress, requireTokenBeyondLoopback } from "../common/access.ts";
import { errnoOf, messageOf, UmbraError } from "../common/errors.ts";
import { makeFolders } from "../common/folders.ts";
import type { Logger } from "../common/log.ts";
import { AlertmanagerSender } from "./alert/alertmanager.ts";
import { WebhookSender } from "./alert/webhook.ts";
import { ApiServer } from "./api/server.ts";
import { Catalog } from "./catalog/catalog.ts";
import { type CollectorConfig, vaultFolder } from "./config.ts";
import { Detector } from "./detect/detector.ts";
import { ExportTable } from "./export/exports.ts";
import { Forecaster } from "./forecast/forecaster.ts";
import { AgentTable } from "./ingest/agents.ts";
import { KeyedMutex } from "./ingest/keyed-mutex.ts";
import { type IngestOptions, IngestServer, type TlsFiles } from "./ingest/server.ts";
import { TelemetryTable } from "./ingest/telemetry.ts";
import { PointTickets } from "./ingest/tickets.ts";
import { Healer } from "./integrity/healer.ts";
import { Patrol } from "./integrity/patrol.ts";
import { Judge, type JudgeOptions } from "./judge.ts";
import { JournalRecorder } from "./metering/journal-recorder.ts";
import { Meter } from "./metering/meter.ts";
import { SampleIntake } from "./metering/sample-intake.ts";
import { SelfMeter } from "./metering/self-meter.ts";
import { Housekeeper } from "./retention/housekeeper.ts";
import { Retention } from "./retention/retention.ts";
import { VaultJobs } from "./retention/vault-jobs.ts";
import { openSeriesStore } from "./series/open.ts";
import { SignatureBook } from "./signature/signatures.ts";
import { StateOnAnomaly } from "./state-on-anomaly.ts";
import { TrialBatches } from "./trial/batches.ts";
import { Vault } from "./vault/vault.ts";
import { loadVaultKey } from "./vault-key.ts";

const HEARTBEAT_SECONDS = 10;

export class Collector implements AsyncDisposable {
	/** `host:port` of the gRPC listener, with the real port. */
	readonly agentAddress: string;
	/** `host:port` of the HTTP listener, with the real port. */
	readonly apiAddress: string;
	/** Of its data folder. */
	readonly collectorId: string;
	/** For those who run trials. */
	readonly signatures: SignatureBook;
	/** Resolves once it was closed, rejects where a part of it failed for good. */
	readonly finished: Promise<void>;
	readonly #resources: AsyncDisposableStack;
	readonly #closed: PromiseWithResolvers<void>;

	private constructor(
		resources: AsyncDisposableStack,
		agentAddress: string,
		apiAddress: string,
		collectorId: string,
		signatures: SignatureBook,
		parts: Promise<void>[],
	) {
		this.#resources = resources;
		this.agentAddress = agentAddress;
		this.apiAddress = apiAddress;
		this.collectorId = collectorId;
		this.signatures = signatures;
		this.#closed = Promise.withResolvers();
		for (const part of parts) part.catch((error: unknown) => this.#closed.reject(error));
		this.finished = this.#closed.promise;
		this.finished.catch(() => undefined);
	}

	/**
	 * @throws UmbraError `bad-config`; `denied` where the vault's key is not the one; `conflict` where another collector uses the data folder;
	 * `unavailable` where it cannot listen or the folder cannot be used; `unsupported`, `corrupt`.
	 */
	static async start(config: CollectorConfig, log: Logger): Promise<Collector> {
		const agents = parseAddress("listen.agents", config.listen.agents);
		const api = parseAddress("listen.api", config.listen.api);
		requireTokenBeyondLoopback("listen.agents", agents, config.tokenFile);
		requireTokenBeyondLoopback("listen.api", api, config.tokenFile);
		const authorize = await loadAuthorize(config.tokenFile);
		const tls = await loadTls(config.tls);
		const secret = await vaultSecret(config, log);
		let healer: Healer | undefined;
		const suspect = (pack: number) => healer?.suspect(pack);
		makeFolder(config.dataDir);

		await using resources = new AsyncDisposableStack();
		// First, as its lock says whether another collector is here.
		const catalog = resources.use(await Catalog.open(join(config.dataDir, "catalog")));
		const store = resources.use(
			await Vault.open({ folder: vaultFolder(config), secret, graceMs: config.gc.grace, onDamage: suspect, log }),
		);
		const series = resources.use(
			await openSeriesStore({ folder: join(config.dataDir, "series"), settings: config.series, log }),
		);
		const detector = await Detector.open({ state: { get: (key) => catalog.state(key) }, settings: config.detect });
		let webhooks: WebhookSender | undefined;
		let alertmanagers: AlertmanagerSender | undefined;
		const targets = config.webhooks.map(({ name }) => name);
		const alerted = () => {
			webhooks?.wake();
			alertmanagers?.wake();
		};
		const agentTable = new AgentTable({ catalog, log, heartbeatSeconds: HEARTBEAT_SECONDS });
		const states = resources.use(new StateOnAnomaly({ catalog, agents: agentTable, settings: config.states, log }));
		const judged: JudgeOptions["judged"] = (changeset, verdict) => states.judged(changeset, verdict);
		const judge = await Judge.start({ catalog, detector, targets, judged, alerted, log });
		resources.use(judge);
		webhooks = WebhookSender.start({ targets: config.webhooks, store: judge.deliveries, log });
		resources.use(webhooks);
		alertmanagers = AlertmanagerSender.start({
			targets: config.alertmanagers,
			firing: () => catalog.firingAlerts(),
			publicUrl: config.publicUrl,
			log,
		});
		resources.use(alertmanagers);
		const telemetry = new TelemetryTable();
		const samples = new SampleIntake({ table: telemetry, store: series, log });
		const signatures = new SignatureBook({ catalog, settings: config.trials });
		const exports = resources.use(await ExportTable.open({ folder: join(config.dataDir, "exports"), store, log }));
		const tickets = new PointTickets(store);
		const batches = resources.use(
			await TrialBatches.open({ trials: catalog.trials, signatures, agents: agentTable, tickets, log }),
		);
		const shared = { tls, authorize, catalog, store, agents: agentTable, tickets, log };
		const locks = new KeyedMutex();
		const retention = new Retention({
			catalog,
			agents: agentTable,
			ingestLocks: locks,
			settings: config.retention,
			vms: config.vms,
			log,
		});
		const onDamage = () => healer?.changed();
		const jobs = resources.use(
			new VaultJobs({ catalog, vault: store, settings: config.gc, onDamage, onSuspect: suspect, log }),
		);
		healer = await Healer.start({ catalog, vault: store, jobs, agents: agentTable, judge, targets, log });
		resources.use(healer);
		const watch = { catalog, vault: store, jobs, settings: config.scrub, onDamage: suspect, log };
		const patrol = resources.use(await Patrol.start(watch));
		// Before those two, or they would wait for a job that nobody ends.
		resources.defer(() => jobs[Symbol.asyncDispose]());
		let changesets = 0;
		const committed = (vm: string) => {
			changesets++;
			judge.committed(vm);
			healer.committed();
		};
		const recorder = resources.use(await JournalRecorder.start({ catalog, store: series, log }));
		const keepsImported = (vm: string) => retention.policy(vm).keepImported;
		const trialReported: IngestOptions["trialReported"] = (report) => batches.reported(report);
		const taking = { ...shared, samples, address: agents, committed, locks, keepsImported, trialReported };
		const ingest = resources.use(await IngestServer.start(taking));
		const counters = () => ({
			changesets,
			ingestBytes: ingest.receivedBytes,
			samples: telemetry.accepted,
			samplesRejected: telemetry.dropped,
			unjudgedVms: judge.status.waiting,
			changesBehind: recorder.behind,
			notificationFailures: webhooks.failures + alertmanagers.failures,
			vault: store.stats(),
			series: series.status(),
		});
		const self = resources.use(new SelfMeter({ dataDir: config.dataDir, catalog, agents: agentTable, counters }));
		const server = resources.use(
			await ApiServer.start({
				...shared,
				telemetry,
				address: api,
				judge,
				retention,
				jobs,
				healer,
				patrol,
				exports,
				self,
				series,
				signatures,
				batches,
			}),
		);
		const meter = resources.use(Meter.start({ catalog, store: series, self, log }));
		const forecaster = resources.use(Forecaster.start({ store: series, vms: () => catalog.vmNames(), log }));
		const keeping = { catalog, retention, jobs, settings: config.retention, gc: config.gc, log };
		const housekeeper = resources.use(Housekeeper.start(keeping));
		const isEncrypted = secret !== undefined;
		log.info(
			{ agents: ingest.address, api: server.address, dataDir: config.dataDir, isEncrypted },
			"collector started",
		);
		const notified = [webhooks.finished, alertmanagers.finished];
		const metered = [series.finished, recorder.finished, meter.finished, forecaster.finished];
		const kept = [housekeeper.finished, healer.finished, patrol.finished];
		const parts = [judge.finished, ...notified, ...kept, ...metered];
		return new Collector(resources.move(), ingest.address, server.address, catalog.collectorId, signatures, parts);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#resources[Symbol.asyncDispose]();
		this.#closed.resolve();
	}
}

async function vaultSecret({ vault, dataDir }: CollectorConfig, log: Logger): Promise<string | undefined> {
	const { encryption } = vault;
	if (encryption === undefined) return undefined;
	const { keyFile } = encryption;
	if (keyFile !== undefined && !relative(dataDir, keyFile).startsWith("..")) {
		log.warn({ keyFile, dataDir }, "the vault's key lies in the data folder: whoever takes the one has the other");
	}
	return await loadVaultKey("vault.encryption", encryption);
}

function makeFolder(folder: string): void {
	try {
		makeFolders(folder, 0o700);
	} catch (error) {
		const code = errnoOf(error) === "ENOSPC" ? "limit" : "unavailable";
		throw new UmbraError(code, `dataDir: cannot make ${folder}: ${messageOf(error)}`, {
			cause: error,
			context: { path: folder, field: "dataDir" },
		});
	}
}

async function loadTls(tls: CollectorConfig["tls"]): Promise<TlsFiles | undefined> {
	if (tls === undefined) return undefined;
	const load = async (field: string, path: string): Promise<Buffer> => {
		try {
			return await readFile(path);
		} catch (error) {
			throw new UmbraError("bad-config", `tls.${field}: cannot read ${path}: ${messageOf(error)}`, {
				cause: error,
				context: { path, field: `tls.${field}` },
			});
		}
	};
	const cert = await load("cert", tls.cert);
	const key = await load("key", tls.key);
	const clientCa = tls.clientCa === undefined ? undefined : await load("clientCa", tls.clientCa);
	try {
		createSecureContext({ cert, key, ca: clientCa });
	} catch (error) {
		throw new UmbraError("bad-config", `tls: cert, key and clientCa do not make sense: ${messageOf(error)}`, {
			cause: error,
			context: { field: "tls" },
			hint: "wanted PEM files, and the key that belongs to the certificate",
		});
	}
	return { cert, key, clientCa };
}
