/** `umbra import`: looks at what there is, makes points of it, and imports those that are not there. */
import { type Findings, lookAt } from "../../agent/import/images.ts";
import { importPoints } from "../../agent/import/import.ts";
import { planPoints } from "../../agent/import/plan.ts";
import { askForShadow } from "../../agent/import/shadow.ts";
import { importFolder } from "../../agent/import/take-over.ts";
import { Link } from "../../agent/uplink/link.ts";
import { UmbraError } from "../../common/errors.ts";
import { createLogger } from "../../common/log.ts";
import type { Output } from "../commands/output.ts";
import { type ImportArguments, lookOptions, onlyDisk, siteOf, sourcesOf, withinNs } from "./arguments.ts";
import { ImportView, type Planned, showPlan, warnOf } from "./show.ts";

/** For chunks. */
const CONNECTIONS = 2;

/**
 * @returns whether all that was named is there now; in a dry run, could be.
 * @throws UmbraError `bad-config`; what ends an import as a whole.
 */
export async function runImport(
	vm: string,
	sources: readonly string[],
	options: ImportArguments,
	output: Output,
	signal: AbortSignal,
): Promise<boolean> {
	const json = options.json === true;
	const wanted = sourcesOf(sources, options.disk);
	const look = lookOptions(options, signal);
	const within = withinNs(options.within);
	const site = await siteOf(options);
	using link = await Link.open({ address: site.address, ...site.access, connections: CONNECTIONS }, signal);
	const shadow = await askForShadow(link, vm, signal);
	const findings: Findings = { states: [], problems: [], leftOut: [] };
	for (const { disk, source } of wanted) {
		const found = await lookAt(disk ?? onlyDisk(vm, shadow), source, look);
		findings.states.push(...found.states);
		findings.problems.push(...found.problems);
		findings.leftOut.push(...found.leftOut);
	}
	const points = planPoints(vm, findings.states, within);
	checkTimes(look.times, findings, points.length);
	const planned: Planned = { vm, shadow, points, findings };
	warnOf(planned, json);
	const isWhole = findings.problems.length === 0;
	if (options.dryRun) {
		await showPlan(planned, json, output);
		return isWhole;
	}
	using view = new ImportView(vm, json, output);
	const outcomes = await importPoints({
		vm,
		points,
		link,
		connections: CONNECTIONS,
		folder: importFolder(site.folder, vm),
		host: site.host,
		threads: site.threads,
		spoolBytes: site.spoolBytes,
		log: createLogger("umbra-import", "error"),
		signal,
		onEvent: (event) => view.event(event),
	});
	await view.finish(outcomes, planned);
	return isWhole && outcomes.every(({ state }) => state !== "failed");
}

/** @throws UmbraError `bad-config` for a time that is nothing's, or several's. */
function checkTimes(times: ReadonlyMap<string, bigint>, { states, problems }: Findings, points: number): void {
	for (const name of times.keys()) {
		if (name === "" && points > 1) {
			throw new UmbraError("bad-config", `--time: there are ${points} points`, {
				hint: "--time NAME=TIME says which one it is of",
			});
		}
		// It may be that of something that could not be looked at.
		if (name !== "" && problems.length === 0 && !states.some((state) => state.name === name)) {
			throw new UmbraError("bad-config", `--time: there is no snapshot or file called ${JSON.stringify(name)}`, {
				hint: "--dry-run lists them",
			});
		}
	}
}
