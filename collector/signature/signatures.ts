/**
 * `collector/signature/` files how trials ended: each trial as a record, each way to fail as a signature, which gathers what is known of
 * it over all trials and VMs. It runs no trials and reads no consoles: what failed is told by `common/failures/`.
 *
 * Words: an *occurrence* is a trial that ended in a signature's failure; a *control* is a clone without stress, whose failures are
 * counted apart; a *site* is another collector, whose counts are kept beside ours and never added to them.
 */
import { UmbraError } from "../../common/errors.ts";
import { nowNs } from "../../common/units.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { SignatureRecord, TrialRecord, TrialStory } from "../catalog/trial-records.ts";
import { exportText, type ImportResult, mergeImport, parseExchange } from "./exchange.ts";
import { idsOf, otherTitles, type TrialReport, withMiss, withOccurrence } from "./filing.ts";
import type { TrialSettings } from "./settings.ts";

/** Lever log entries that are kept of one trial. */
const MAX_LEVERS = 5000;
/** Stories that are let go of with each trial, at most. */
const FORGOTTEN = 8;
/** Signatures that are written together. */
const BATCH = 200;

export interface SignatureBookOptions {
	readonly catalog: Catalog;
	readonly settings: TrialSettings;
}

/** What became of a trial that was filed: `known` was filed before, `expired` is older than all that are kept. */
export type FilingOutcome = "filed" | "known" | "expired";

export class SignatureBook {
	readonly #catalog: Catalog;
	readonly #settings: TrialSettings;
	/** Who is in line: a signature is read, changed and written by one at a time. */
	#turn: Promise<unknown> = Promise.resolve();

	constructor({ catalog, settings }: SignatureBookOptions) {
		this.#catalog = catalog;
		this.#settings = settings;
	}

	/** Once it resolves the trial and what it says of signatures are on stable storage. Filing the same trial again changes nothing. */
	async file(report: TrialReport, story: TrialStory | null = null): Promise<FilingOutcome> {
		return await this.#alone(async () => {
			const { trials } = this.#catalog;
			await trials.recover();
			if ((await trials.trial(report.id)) !== undefined) {
				await trials.forget(report.id);
				return "known";
			}
			const { keep, stories } = this.#settings;
			const places = await trials.places(report.vm);
			const oldest = places[keep - 1];
			// It may have been filed and let go of: counting it again would be wrong, and it would not stay.
			if (oldest !== undefined && BigInt(report.time) <= BigInt(oldest.time)) {
				await trials.forget(report.id);
				return "expired";
			}
			const { failure, leadUp: _leadUp, ...told } = report;
			const changed: SignatureRecord[] = [];
			const aliases: { readonly alias: string; readonly signature: string }[] = [];
			if (failure !== null) {
				const ids = idsOf(failure);
				const known = await trials.signatureNamed(ids);
				const signature = withOccurrence(known, report, failure);
				changed.push(signature);
				aliases.push(...(await this.#newAliases(ids, signature.id)));
			}
			const [signature = null] = changed.map(({ id }) => id);
			// A lost one says nothing of the VM.
			if (report.replays !== null && report.replays !== signature && report.outcome !== "lost") {
				const wanted = await trials.signature(report.replays);
				if (wanted !== undefined) changed.push(withMiss(wanted));
			}
			const trial: TrialRecord = {
				...told,
				levers: told.levers.slice(0, MAX_LEVERS),
				signature,
				failure: failure === null ? null : { type: failure.type, title: failure.title },
				consequences: (failure?.consequences ?? []).map(({ type, title }) => ({ type, title })),
			};
			const dropped = places.slice(keep - 1);
			// A few at a time where the setting was made smaller.
			const forgotten = places.slice(Math.max(0, stories - 1), stories + FORGOTTEN);
			await trials.file({
				...{ trial, signatures: changed, aliases, dropped, forgotten },
				story: stories === 0 ? null : story,
			});
			return "filed";
		});
	}

	/** @throws UmbraError `not-found`. */
	async signature(id: string): Promise<SignatureRecord> {
		const found = await this.#catalog.trials.signature(id);
		if (found !== undefined) return found;
		throw new UmbraError("not-found", `no signature ${JSON.stringify(id)}`, { hint: "umbra signatures lists them" });
	}

	/** Null: what is said of its type counts again. @throws UmbraError `not-found`. */
	async setMitigation(
		id: string,
		said: { readonly text: string; readonly by: string } | null,
	): Promise<SignatureRecord> {
		return await this.#alone(async () => {
			await this.#catalog.trials.recover();
			const known = await this.signature(id);
			const changed = { ...known, mitigation: said === null ? null : { ...said, time: nowNs().toString() } };
			await this.#catalog.trials.saveSignatures([changed]);
			return changed;
		});
	}

	/** All that is known, for another site. Without names of VMs and trials. */
	async exportAll(): Promise<string> {
		const signatures = await Array.fromAsync(this.#catalog.trials.allSignatures());
		return exportText(this.#catalog.collectorId, signatures, nowNs());
	}

	/**
	 * Takes in what another site knows.
	 *
	 * @throws UmbraError `bad-config` for what is not as `exportAll` writes it; nothing was changed then.
	 */
	async importAll(
		text: string,
		name: string,
		options: { readonly takeMitigations: boolean; readonly by: string },
	): Promise<ImportResult> {
		const exchange = parseExchange(text, name);
		return await this.#alone(async () => {
			const { trials, collectorId } = this.#catalog;
			await trials.recover();
			const result: ImportResult = { site: exchange.site, added: 0, changed: 0, unchanged: 0, mitigations: [] };
			let [batch, aliases]: [SignatureRecord[], { alias: string; signature: string }[]] = [[], []];
			const write = async (): Promise<void> => {
				await trials.saveSignatures(batch, aliases);
				[batch, aliases] = [[], []];
			};
			for (const told of exchange.signatures) {
				const ids = idsOf(told);
				// One that is in the batch has to be there before it is changed again.
				if (
					batch.length >= BATCH ||
					batch.some(({ id }) => ids.includes(id)) ||
					aliases.some(({ alias }) => ids.includes(alias))
				)
					await write();
				const known = await trials.signatureNamed(ids);
				const merged = mergeImport(known, told, {
					...options,
					site: exchange.site,
					ownSite: collectorId,
					now: nowNs(),
				});
				if (merged.mitigation !== undefined) result.mitigations.push(merged.mitigation);
				const { signature } = merged;
				if (signature === undefined) {
					result.unchanged++;
					continue;
				}
				if (known === undefined) result.added++;
				else result.changed++;
				batch.push({ ...signature, alternatives: otherTitles(signature, told) });
				aliases.push(...(await this.#newAliases(ids, signature.id)));
			}
			await write();
			return result;
		});
	}

	/** Ids by which nothing is known yet: a title of one signature is never given to another. */
	async #newAliases(ids: readonly string[], signature: string) {
		const found: { readonly alias: string; readonly signature: string }[] = [];
		for (const alias of new Set(ids)) {
			if (alias === signature || (await this.#catalog.trials.signatureNamed([alias])) !== undefined) continue;
			found.push({ alias, signature });
		}
		return found;
	}

	async #alone<T>(work: () => Promise<T>): Promise<T> {
		const result = this.#turn.then(work);
		this.#turn = result.catch(() => undefined);
		return await result;
	}
}
