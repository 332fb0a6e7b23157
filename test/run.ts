/**
 * Runs the tests: every *.test.ts, or with --long every *.long.test.ts instead, two files at a time, as many as two cores
 * feed. Of those that boot a guest or cross processes there is never more than one. Skips are named at the end, and in CI they fail.
 *
 * usage: npm test [-- PART-OF-PATH ...]      npm run test:long [-- PART-OF-PATH ...]
 *        UMBRA_TEST_BRIEF=1 npm run test:long    a part of what is tried at random, or again and again
 *
 * Exit status: 0 all passed, 1 a test failed (or was skipped, in CI), 2 no test matches.
 */
import { appendFileSync, globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { formatDuration } from "../common/units.ts";

const ROOT = join(import.meta.dirname, "..");
/** A file that takes longer hangs. */
const FILE_TIMEOUT_MS = 5 * 60_000;
const LONG_FILE_TIMEOUT_MS = 30 * 60_000;
/** Files named at the end as those that took longest, if they took so long at least. */
const SLOWEST = 20;
const SLOW_MS = 5000;
/** Of an error and its causes at the end. */
const MAX_REASONS = 4;
const REASON_LINES = 6;
const REASON_LENGTH = 300;
/** How a test file says that it boots a guest: emulation takes a core for itself, and two starve each other. */
const BOOTS_A_GUEST = /\/guest\/guest\.ts"|support\/guest\.ts"|"\.\/guest\.ts"|\bneedsGuest/;
const COUNTS = ["tests", "suites", "passed", "failed", "cancelled", "skipped", "todo"] as const;
/** node's own words for them, in its summary. */
const SUMMARY = { tests: "tests", suites: "suites", passed: "pass", failed: "fail" } as const;

type Counts = Record<(typeof COUNTS)[number], number>;
/** What a test stream emits, as far as a reporter and this runner care. */
interface TestEvent {
	readonly type: string;
	readonly data: {
		readonly name?: string;
		readonly file?: string | undefined;
		readonly nesting?: number;
		readonly message?: string;
		readonly skip?: string | boolean | undefined;
		readonly counts?: Partial<Counts>;
		readonly details?: { readonly error?: Error & { readonly failureType?: string } };
	};
}

const { values, positionals } = parseArgs({
	options: { long: { type: "boolean", default: false } },
	allowPositionals: true,
});
const files = findTests(values.long, positionals);
if (files.length === 0) {
	console.error(positionals.length > 0 ? `no test file matches ${positionals.join(", ")}` : "there are no such tests");
	process.exit(positionals.length > 0 ? 2 : 0);
}

// A process whose modules have been compiled before starts in half the time, and tests are mostly such.
process.env["NODE_COMPILE_CACHE"] ??= join(ROOT, ".cache", "compile");
// What of a format's variants a file takes (support/variants.ts).
if (values.long) process.env["UMBRA_TEST_LONG"] = "1";
const started = performance.now();
const totals = Object.fromEntries(COUNTS.map((name) => [name, 0])) as Counts;
const skips: string[] = [];
/** What failed, and the beginning of why. */
const failures: string[] = [];
const durations: { readonly file: string; readonly ms: number }[] = [];
await pipeline(Readable.from(events()), new spec(), process.stdout, { end: false });

const inCi = (process.env["CI"] ?? "") !== "";
if (skips.length > 0) {
	console.log(`\n${inCi ? "SKIPPED, which is a failure in CI" : "SKIPPED"}:`);
	for (const skip of skips) console.log(`  ${skip}`);
}
const slow = durations.filter(({ ms }) => ms >= SLOW_MS).sort((a, b) => b.ms - a.ms);
if (slow.length > 0) {
	console.log("\nTOOK LONGEST:");
	for (const { file, ms } of slow.slice(0, SLOWEST)) console.log(`  ${formatDuration(ms)}  ${file}`);
}
if (failures.length > 0) {
	console.log(`\nFAILED:\n${failures.join("\n")}`);
	// For whoever runs several of these and says at the end what failed in any.
	const path = process.env["UMBRA_TEST_FAILURES"];
	if (path !== undefined) appendFileSync(path, `${failures.join("\n")}\n`);
}
const bad = totals.failed + totals.cancelled;
const counts = `${totals.passed} passed, ${bad} failed, ${skips.length} skipped`;
console.log(`\n${files.length} files: ${counts} in ${formatDuration(performance.now() - started)}`);
process.exitCode = bad > 0 || process.exitCode === 1 || (inCi && skips.length > 0) ? 1 : 0;

function findTests(long: boolean, filters: readonly string[]): string[] {
	return globSync("**/*.test.ts", { cwd: ROOT, exclude: ["node_modules/**", ".cache/**", "dist/**"] })
		.filter((path) => path.endsWith(".long.test.ts") === long)
		.filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
		.sort();
}

/** All events, file by file; node's summary once, at the end, over all. */
async function* events(): AsyncGenerator<TestEvent> {
	const alone = files.filter(runsAlone);
	const others = files.filter((file) => !alone.includes(file));
	// One lane for those that boot guests, until there are no more.
	const lanes = [() => alone.shift() ?? others.shift(), () => others.shift()];
	const running = new Map<number, Promise<{ readonly lane: number; readonly ended: readonly TestEvent[] }>>();
	const startNext = (lane: number): void => {
		const file = lanes[lane]?.();
		if (file === undefined) running.delete(lane);
		else
			running.set(
				lane,
				eventsOf(file).then((ended) => ({ lane, ended })),
			);
	};
	for (const lane of lanes.keys()) startNext(lane);
	while (running.size > 0) {
		const { lane, ended } = await Promise.race(running.values());
		startNext(lane);
		yield* ended;
	}
	for (const name of COUNTS) {
		const word = name in SUMMARY ? SUMMARY[name as keyof typeof SUMMARY] : name;
		yield diagnostic(`${word} ${totals[name]}`);
	}
	yield diagnostic(`duration_ms ${Math.round(performance.now() - started)}`);
}

function runsAlone(file: string): boolean {
	if (/^test\/(integration|e2e)\//.test(file)) return true;
	return BOOTS_A_GUEST.test(readFileSync(join(ROOT, file), "utf8"));
}

/** Runs a file. Its events come at its end, so that those of two do not mix. */
async function eventsOf(path: string): Promise<TestEvent[]> {
	const begun = performance.now();
	const stream = run({
		files: [join(ROOT, path)],
		cwd: ROOT,
		timeout: values.long ? LONG_FILE_TIMEOUT_MS : FILE_TIMEOUT_MS,
	}) as AsyncIterable<TestEvent>;
	const told: TestEvent[] = [];
	for await (const event of stream) {
		const { type, data } = event;
		if (type === "test:summary") {
			// The one without a file is of the whole run.
			if (data.file !== undefined) continue;
			for (const name of COUNTS) totals[name] += data.counts?.[name] ?? 0;
			continue;
		}
		if (type === "test:diagnostic" && data.file === undefined) continue;
		if ((type === "test:pass" || type === "test:fail") && data.skip !== undefined && data.skip !== false) {
			const file = data.file === undefined ? "" : `${relative(ROOT, data.file)}: `;
			skips.push(`${file}${data.name}${typeof data.skip === "string" ? ` (${data.skip})` : ""}`);
		}
		if (type === "test:fail") failures.push(...failureOf(path, data));
		told.push(event);
	}
	durations.push({ file: path, ms: performance.now() - begun });
	return told;
}

/** A few lines; none of a suite, which fails with its tests. */
function failureOf(path: string, { name, details }: TestEvent["data"]): string[] {
	const error = details?.error;
	if (error?.failureType === "subtestsFailed") return [];
	const reasons: string[] = [];
	for (let each: unknown = error; each instanceof Error && reasons.length < MAX_REASONS; each = each.cause) {
		reasons.push(...each.message.split("\n").slice(0, REASON_LINES));
	}
	return [`  ${path}: ${name}`, ...[...new Set(reasons)].map((line) => `      ${line.slice(0, REASON_LENGTH)}`)];
}

function diagnostic(message: string): TestEvent {
	return { type: "test:diagnostic", data: { nesting: 0, message } };
}
