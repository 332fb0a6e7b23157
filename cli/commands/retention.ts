/** `umbra retention`, `forget`, `hold`, `release` and `holds`: which points of a VM stay. */
import { hostname, userInfo } from "node:os";
import type { Command } from "commander";
import type { HoldRecord } from "../../collector/catalog/records.ts";
import { UmbraError } from "../../common/errors.ts";
import { CollectorClient, type CollectorOptions, parseVmAtTime, vmPath, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { table } from "../table.ts";
import { withOutput } from "./output.ts";
import { isoTime } from "./vms.ts";

interface Plan {
	readonly policy: Readonly<Record<string, number | boolean>>;
	readonly kept: number;
	readonly dropped: number;
	readonly items: readonly { readonly time: string; readonly reasons: readonly string[] }[];
	readonly next: string | null;
}

interface Options extends CollectorOptions {
	readonly json?: true;
}

interface ForgetOptions extends Options {
	readonly all?: true;
	readonly imported?: true;
}

interface RetentionOptions extends Options {
	readonly apply?: true;
	readonly dryRun?: true;
}

/** Rules without a number. */
const WHOLE: Readonly<Record<string, string>> = { keepAll: "every point", keepImported: "what was imported" };

export function register(program: Command): void {
	withCollector(program.command("retention <vm>"))
		.description("which points of a VM its policy keeps, why, and which would go; by itself it changes nothing")
		.option("--dry-run", "only show it, which is the default")
		.option("--apply", "drop now what would go, instead of when it is time")
		.option("--json", "the plan, or what was dropped, as one object")
		.action(showRetention);

	withCollector(program.command("forget <vm@time...>"))
		.description("drop points for good, by their exact time; with --all, whole VMs")
		.option("--all", "each name is a VM without a time: drop it with all of its points")
		.option("--imported", "each name is a VM without a time: drop what was imported of it")
		.option("--json", "one object a line")
		.action(async (targets: string[], options: ForgetOptions) => {
			const client = await CollectorClient.from(options);
			for (const path of await pathsOf(client, targets, options)) {
				const dropped = await client.send<{ vm: string; time?: string; dropped?: number }>("DELETE", path);
				const what = dropped.time === undefined ? `with ${dropped.dropped} points` : `at ${isoTime(dropped.time)}`;
				console.log(options.json ? JSON.stringify(dropped) : `Dropped ${printable(dropped.vm)} ${what}`);
			}
			if (!options.json) console.log("Their space comes back by itself, after a grace time: umbra vault gc");
		});

	withCollector(program.command("hold <vm@time>"))
		.description("keep the point at or before a time until it is released, whatever the policy says")
		.requiredOption("--reason <text>", "why, for those who come after you")
		.option("--by <name>", "who holds it", `${userInfo().username}@${hostname()}`)
		.option("--json", "the hold as one object")
		.action(async (target: string, options: Options & { readonly reason: string; readonly by: string }) => {
			const { reason, by } = options;
			const { vm, time } = parseVmAtTime(target);
			const client = await CollectorClient.from(options);
			const hold = await client.post<HoldRecord>(vmPath(vm, "points", time, "hold"), { reason, by });
			console.log(options.json ? JSON.stringify(hold) : `Held ${printable(vm)}@${isoTime(hold.time)}`);
		});

	withCollector(program.command("release <vm@time>"))
		.description("end a hold: the policy decides again about this point")
		.option("--json", "the point as one object")
		.action(async (target: string, options: Options) => {
			const client = await CollectorClient.from(options);
			const released = await client.send<{ vm: string; time: string }>("DELETE", `${pointPath(target)}/hold`);
			console.log(
				options.json ? JSON.stringify(released) : `Released ${printable(released.vm)}@${isoTime(released.time)}`,
			);
		});

	withCollector(program.command("holds <vm>"))
		.description("the points of a VM that are held, and why")
		.option("--json", "one object a line")
		.action(async (vm: string, options: Options) => {
			const client = await CollectorClient.from(options);
			const holds = await Array.fromAsync(client.list<HoldRecord>(vmPath(vm, "holds")));
			await withOutput(async (output) => {
				const lines = options.json
					? holds.map((hold) => JSON.stringify(hold))
					: table(holds, [
							{ title: "TIME", value: ({ time }) => isoTime(time) },
							{ title: "SINCE", value: ({ since }) => isoTime(since) },
							{ title: "BY", value: ({ by }) => printable(by) },
							{ title: "REASON", value: ({ reason }) => printable(reason) },
						]);
				for (const line of lines) await output.line(line);
			});
		});
}

async function showRetention(vm: string, options: RetentionOptions): Promise<void> {
	if (options.apply && options.dryRun) throw new UmbraError("bad-config", "--apply and --dry-run exclude each other");
	const client = await CollectorClient.from(options);
	if (options.apply) {
		const done = await client.post<{ readonly dropped: number }>(vmPath(vm, "retention"));
		console.log(options.json ? JSON.stringify(done) : `Dropped ${done.dropped} points of ${printable(vm)}`);
		return;
	}
	const plan = await wholePlan(client, vmPath(vm, "retention"));
	await withOutput(async (output) => {
		if (options.json) {
			await output.line(JSON.stringify(plan));
			return;
		}
		const rules = Object.entries(plan.policy).flatMap(([rule, value]) =>
			value === false || value === 0 ? [] : [value === true ? (WHOLE[rule] ?? rule) : `${rule} ${value}`],
		);
		await output.line(`${printable(vm)} keeps: ${rules.join(", ") || "its newest point"}`);
		const lines = table(plan.items, [
			{ title: "TIME", value: ({ time }) => isoTime(time) },
			{ title: "KEPT AS", value: ({ reasons }) => reasons.join(" ") || "GOES" },
		]);
		for (const line of lines) await output.line(line);
		await output.line(`${plan.kept} points stay, ${plan.dropped} would go`);
	});
}

async function wholePlan(client: CollectorClient, path: string): Promise<Omit<Plan, "next">> {
	const { next, ...plan } = await client.get<Plan>(path);
	if (next === null) return plan;
	const items = [...plan.items];
	for (let cursor: string | null = next; cursor !== null; ) {
		const page: Plan = await client.get(path, { cursor });
		items.push(...page.items);
		cursor = page.next;
	}
	return { ...plan, items };
}

/** What takes something away names its point exactly. */
function pointPath(target: string): string {
	const { vm, time } = parseVmAtTime(target);
	if (time !== "latest") return vmPath(vm, "points", time);
	const found = target.includes("@") ? `"${target}" means whatever is newest` : `"${target}" has no time`;
	throw new UmbraError("bad-config", `${found}; wanted VM@TIME with the exact time of one point`, {
		context: { field: "time", found: target },
		hint: `umbra points ${vm} lists them`,
	});
}

/** Of all that is to go; what makes no sense is refused before anything goes. */
async function pathsOf(client: CollectorClient, targets: readonly string[], options: ForgetOptions): Promise<string[]> {
	const { all, imported } = options;
	if (all && imported) throw new UmbraError("bad-config", "--all and --imported exclude each other");
	if (!imported) return targets.map((target) => (all ? vmPath(nameOf(target, "--all")) : pointPath(target)));
	const paths: string[] = [];
	for (const vm of targets.map((target) => nameOf(target, "--imported"))) {
		const points = client.list<{ time: string }>(vmPath(vm, "points"), { imported: "1", order: "oldest" });
		for await (const { time } of points) paths.push(vmPath(vm, "points", time));
	}
	return paths;
}

function nameOf(target: string, option: string): string {
	if (!target.includes("@")) return target;
	throw new UmbraError("bad-config", `${option} wants the name of a VM, found "${target}"`);
}
