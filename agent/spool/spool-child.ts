/**
 * For tests only: a process that captures into a spool for as long as it lives, and says on standard output what it
 * was promised. Arguments: folder, seed, first chunk number, limit in bytes.
 *
 *   synced N        every chunk below N is on stable storage
 *   committed ID    its batch is
 *   done N          about to say that the collector has the chunks below N
 *   accepted ID     about to say that it has this changeset
 *   limit MESSAGE   there was no room
 */
import { writeSync } from "node:fs";
import { isUmbraError } from "../../common/errors.ts";
import { chunkOf, SpoolFixture, seeded } from "./spool-fixture.ts";

const [folder, seed, first, limitBytes] = process.argv.slice(2);
const random = seeded(Number(seed));
const say = (line: string) => writeSync(1, `${line}\n`);
const fixture = await SpoolFixture.open({
	folder: folder as string,
	segmentBytes: 1 << 20,
	limitBytes: Number(limitBytes),
});
const { spool } = fixture;
let next = Number(first);
/** Chunk numbers by their place in the queue; none is ever added twice. */
const numbers = new Map<number, number>();
for (;;) {
	const chunks = Array.from({ length: 1 + Math.floor(random() * 120) }, () => chunkOf(next++, 20_000));
	const start = next - chunks.length;
	const id = `c${start}`;
	try {
		await fixture.capture(id, `vm${start % 3}`, chunks);
	} catch (error) {
		if (!isUmbraError(error, "limit")) throw error;
		say(`limit ${error.message}`);
		process.exit(3);
	}
	chunks.forEach(({ name }, index) => {
		numbers.set(spool.positionOf(name) as number, start + index);
	});
	say(`synced ${next}`);
	say(`committed ${id}`);
	if (random() < 0.5) {
		const position = spool.chunkHead + Math.floor(random() * (spool.readableEnd - spool.chunkHead));
		const number = numbers.get(position);
		if (number !== undefined) {
			say(`done ${number}`);
			spool.acknowledgeChunks(position);
		}
		const oldest = spool.nextChangeset;
		if (oldest !== undefined) {
			say(`accepted ${oldest.id}`);
			await spool.acknowledge(oldest.sequence);
		}
	}
}
