/** Intake, log and sender together, against a database in memory that fails in every way it can. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError, UmbraError } from "../../../common/errors.ts";
import { silentLogger } from "../../../common/log.ts";
import type { Point } from "../../../common/measurements/measurements.ts";
import { type Random, testRandom } from "../../../test/support/random.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import type { WriteAnswer } from "./connection.ts";
import { Intake } from "./intake.ts";
import { LineLog } from "./line-log.ts";
import { splitLines } from "./lines.ts";
import { RefusedLines } from "./refused-lines.ts";
import { LANES, Sender } from "./sender.ts";

const NEVER = new AbortController().signal;
const PAUSES = { first: 1, longest: 4 };
const BAD = 666;
const HOUR_NS = 3_600_000_000_000n;

/** The newest value of each point, by series and time. */
class Database {
	readonly values = new Map<string, number>();
	readonly #hours = new Set<bigint>();
	mostUnderWay = 0;
	readonly #random: Random;
	#underWay = 0;

	constructor(random: Random) {
		this.#random = random;
	}

	async post(body: Buffer): Promise<WriteAnswer> {
		this.#underWay++;
		this.mostUnderWay = Math.max(this.mostUnderWay, this.#underWay);
		try {
			const lines = splitLines(body).map(String);
			const hours = lines.map((line) => BigInt(line.slice(line.lastIndexOf(" ") + 1)) / HOUR_NS);
			const isFirst = hours.some((hour) => !this.#hours.has(hour));
			if (isFirst) assert.equal(this.#underWay, 1);
			await sleep(this.#random.below(4));
			if (isFirst) assert.equal(this.#underWay, 1);
			const answer = this.#take(lines);
			if (answer.kind === "accepted") for (const hour of hours) this.#hours.add(hour);
			return answer;
		} finally {
			this.#underWay--;
		}
	}

	#take(lines: readonly string[]): WriteAnswer {
		if (this.#random.chance(0.2)) throw new UmbraError("unavailable", "gone before it was read");
		if (lines.length > 40 && this.#random.chance(0.3)) return { kind: "too-large" };
		let dropped = 0;
		for (const line of lines) {
			const [, key = "", value, time] = /^(.*) celsius=(\d+) (\d+)$/.exec(line) ?? [];
			if (Number(value) === BAD) dropped++;
			else this.values.set(`${key} ${time}`, Number(value));
		}
		if (this.#random.chance(0.2)) throw new UmbraError("unavailable", "gone before it answered");
		return dropped === 0 ? { kind: "accepted" } : { kind: "refused", reason: "partial write: type conflict", dropped };
	}
}

/** Of few series at few times, so that most are rewritten. */
function randomPoint(random: Random): Point {
	return {
		measurement: "host_temperature",
		tags: { host: "h", sensor: String(random.below(12)) },
		timeNs: (BigInt(random.below(30)) * HOUR_NS) / 10n,
		fields: { celsius: random.chance(0.01) ? BAD : 1000 + random.below(1e6) },
	};
}

describe("Sender", () => {
	it("leaves the last value of every point in the database, whatever fails and whenever it is stopped", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		const logger = silentLogger();
		const database = new Database(random);
		const wanted = new Map<string, number>();
		let bad = 0;
		let refused = 0;
		for (let round = 0; round < 8; round++) {
			await using log = await LineLog.open({ folder: folder.file("log"), log: logger, segmentBytes: 20_000 });
			const post = async (body: Buffer) => await database.post(body);
			const options = { log, logger, refused: new RefusedLines(folder.path, logger), post, pauses: PAUSES };
			await using sender = Sender.start(options);
			const committed = sender.offer.bind(sender);
			const intake = new Intake({ log, logger, limitBytes: 2 ** 30, takesText: true, committed });
			for (let batch = 0; batch < 6; batch++) {
				const points = Array.from({ length: random.between(1, 200) }, () => randomPoint(random));
				await intake.write(points);
				for (const { tags, timeNs, fields } of points) {
					if (fields["celsius"] === BAD) bad++;
					else wanted.set(`host_temperature,host=h,sensor=${tags["sensor"]} ${timeNs}`, Number(fields["celsius"]));
				}
				if (random.chance(0.3)) await sleep(random.below(10));
			}
			// The last round has to bring in what the others left.
			if (round === 7 || random.chance(0.4)) {
				await sender.delivered(log.end, NEVER);
				assert.equal(log.start, log.end);
			}
			await intake.close();
			// What it was told of while it stopped counts too.
			await sender[Symbol.asyncDispose]();
			refused += sender.refused;
		}
		assert.deepEqual(new Map([...database.values].sort()), new Map([...wanted].sort()));
		// What was delivered just before a stop is delivered again, what is refused too.
		assert.ok(refused >= bad, `${refused} of ${bad}`);
		assert.ok(database.mostUnderWay > 1 && database.mostUnderWay <= LANES, String(database.mostUnderWay));
	});

	it("ends all that waits when it is stopped", async () => {
		await using folder = await tempFolder();
		const logger = silentLogger();
		await using log = await LineLog.open({ folder: folder.file("log"), log: logger });
		const post = async (_: Buffer, signal: AbortSignal): Promise<WriteAnswer> => {
			await sleep(60_000, undefined, { signal });
			return { kind: "accepted" };
		};
		const sender = Sender.start({ log, logger, refused: new RefusedLines(folder.path, logger), post });
		const intake = new Intake({ log, logger, limitBytes: 2 ** 30, takesText: true, committed: () => {} });
		await intake.write([{ measurement: "vm", tags: { host: "h", vm: "v" }, timeNs: 1n, fields: { up: 1 } }]);
		const waiting = sender.delivered(log.end, NEVER);
		const failed = assert.rejects(waiting, (error) => isUmbraError(error, "unavailable"));
		await sender[Symbol.asyncDispose]();
		await failed;
		await sender.finished;
		await assert.rejects(sender.delivered(log.end, NEVER), { code: "unavailable" });
		assert.equal(log.start, 0);
	});
});
