/** The parts of a collector that keep something, wired as there. */
import { silentLogger } from "../../common/log.ts";
import { Catalog } from "../catalog/catalog.ts";
import type { MakeLevel } from "../catalog/store.ts";
import { AgentTable } from "../ingest/agents.ts";
import { KeyedMutex } from "../ingest/keyed-mutex.ts";
import type { SubmitContext } from "../ingest/submit.ts";
import { Retention } from "../retention/retention.ts";
import type { RetentionPolicy } from "../retention/settings.ts";
import { VaultJobs } from "../retention/vault-jobs.ts";
import type { VaultKeys } from "../vault/chunk-form.ts";
import type { VaultFiles } from "../vault/files.ts";
import { FolderPackStore } from "../vault/folder-pack-store.ts";
import { Vault } from "../vault/vault.ts";

export const PACKS = "/vault/packs";
/** Five to ten blocks to a pack. */
const PACK_BYTES = 70_000;
const log = silentLogger();
const nothing = (): void => undefined;

export interface StoreOptions {
	/** Of the catalog's database. */
	readonly folder: string;
	readonly make: MakeLevel;
	/** Where packs lie, in `PACKS` or the folder that is given. */
	readonly files: VaultFiles;
	readonly packs?: string;
	readonly keys: VaultKeys | undefined;
	/** By VM. */
	readonly policies: ReadonlyMap<string, RetentionPolicy>;
	readonly graceMs: number;
	readonly rewriteBelow: number;
	/** Milliseconds of the vault's clock. */
	readonly clock: () => number;
}

export interface Store extends AsyncDisposable {
	readonly catalog: Catalog;
	readonly vault: Vault;
	readonly retention: Retention;
	readonly jobs: VaultJobs;
	/** For `serveSubmit`; `now` is Unix nanoseconds. */
	ingest(now: () => bigint): SubmitContext;
}

/** @throws what opening a part throws; nothing is open then. */
export async function openStore(options: StoreOptions): Promise<Store> {
	const { folder, make, files, keys, policies, graceMs, rewriteBelow, clock } = options;
	await using resources = new AsyncDisposableStack();
	const catalog = resources.use(await Catalog.open(folder, make));
	const packs = resources.use(await FolderPackStore.open(options.packs ?? PACKS, files));
	const sizes = { packBytes: PACK_BYTES, cacheBytes: 0 };
	const vault = resources.use(await Vault.over(packs, { keys, graceMs, clock, ...sizes }));
	const agents = new AgentTable({ catalog, log, heartbeatSeconds: 10 });
	const locks = new KeyedMutex();
	const vms = [...policies].map(([name, retention]) => ({ name, retention }));
	const settings = {
		last: 1,
		hourly: 0,
		daily: 0,
		weekly: 0,
		monthly: 0,
		keepAll: false,
		keepImported: true,
		every: 1000,
	};
	const retention = new Retention({ catalog, agents, ingestLocks: locks, settings, vms, log });
	const gc = { every: 0, grace: 0, rewriteBelow, bytesPerSecond: 2 ** 40 };
	const jobs = resources.use(
		new VaultJobs({ catalog, vault, settings: gc, onDamage: nothing, onSuspect: nothing, log }),
	);
	const owned = resources.move();
	return {
		catalog,
		vault,
		retention,
		jobs,
		ingest: (now) => ({ catalog, store: vault, agents, locks, committed: nothing, now, log }),
		[Symbol.asyncDispose]: () => owned.disposeAsync(),
	};
}
