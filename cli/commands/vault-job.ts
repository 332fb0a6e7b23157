/** Jobs on the vault, as the command line follows them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { VaultJob } from "../../collector/retention/vault-jobs.ts";
import { UmbraError } from "../../common/errors.ts";
import type { CollectorClient } from "../collector-client.ts";

/** Many jobs are done at once; who has waited for long can wait a little longer. */
const FIRST_POLL_MS = 5;
const MAX_POLL_MS = 250;
const PLAIN_MS = 5_000;

/** Shows how a job goes on until it has ended; the job goes on without us where we are stopped. */
export async function follow(client: CollectorClient, begun: VaultJob): Promise<VaultJob> {
	const isTerminal = process.stderr.isTTY === true;
	let job = begun;
	let told = performance.now();
	for (let wait = FIRST_POLL_MS; job.state === "running"; wait = Math.min(wait * 1.5, MAX_POLL_MS)) {
		await sleep(wait);
		job = await client.get<VaultJob>("/v1/vault/job", { id: begun.id });
		if (isTerminal) process.stderr.write(`\r\x1b[K${progressText(job)}`);
		else if (performance.now() - told >= PLAIN_MS) {
			told = performance.now();
			process.stderr.write(`${progressText(job)}\n`);
		}
	}
	if (isTerminal) process.stderr.write("\r\x1b[K");
	if (job.state === "done") return job;
	const { code = "unavailable", message = "it was stopped", hint } = job.error ?? {};
	throw new UmbraError(code, `${job.kind} of the vault: ${message}`, hint === undefined ? {} : { hint });
}

export function progressText({ state, progress }: VaultJob): string {
	if (state !== "running" || progress === null) return state;
	const { phase, done, total } = progress;
	const unit = phase === "mark" || phase === "disks" ? "disks at points" : "packs";
	return `${phase}: ${done}${total > 0 ? ` of ${total}` : ""} ${unit}`;
}
