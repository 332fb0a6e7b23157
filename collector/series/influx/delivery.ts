/**
 * Gets a batch of lines taken: whole where the server takes it, in halves where it is too large, and down to the bad lines
 * where it refuses some. It ends with every line taken or set aside, or fails with nothing to remember: the batch is
 * delivered again as a whole, which is harmless. Once it is being taken apart, nothing but an abort makes it fail, or a batch with
 * many bad lines would never get through to a server that falters now and then.
 */
import { UmbraError } from "../../../common/errors.ts";
import type { WriteAnswer } from "./connection.ts";
import { measurementOf, splitLines } from "./lines.ts";

export interface RefusedLine {
	readonly line: Buffer;
	readonly reason: string;
}

export interface DeliveryOptions {
	/** Lines of a request. */
	readonly maxLines: number;
	/** The server is known to take lines of others while it refuses these. */
	readonly takesOthers?: boolean;
	/** Sends lines. @throws where trying again later may help. */
	readonly post: Post;
	/** As `post`, again and again until there is an answer. */
	readonly insist: Post;
}

type Post = (body: Buffer) => Promise<WriteAnswer>;

export interface Delivered {
	readonly accepted: number;
	readonly refused: readonly RefusedLine[];
	/** The smallest number of lines that was too many at once; undefined where none was. */
	readonly tooMany: number | undefined;
}

const LINE_FEED: Buffer = Buffer.from("\n");

/**
 * How servers say that lines are bad. A refusal in other words may be about something else (a proxy, a parameter), and counts
 * only where the server takes other lines.
 */
const ABOUT_LINES =
	/partial write|unable to parse|parsing line|line protocol|type conflict|retention|max key length|limit exceeded|invalid field|out ?side.* range|schema|column/i;

/**
 * @param payloads lines with their line feeds
 * @throws UmbraError as `post`; `unavailable`, with `unclear` in its context, where the server refuses all of it and does not say
 * that it is for the lines.
 */
export async function deliver(
	payloads: readonly Buffer[],
	lines: number,
	{ maxLines, takesOthers = false, post, insist }: DeliveryOptions,
): Promise<Delivered> {
	const delivery = new Delivery(insist);
	if (lines > maxLines) {
		await delivery.send(payloads.flatMap(splitLines), maxLines, post);
		return delivery.result(takesOthers);
	}
	const answer = await post(payloads.length === 1 ? (payloads[0] as Buffer) : Buffer.concat(payloads));
	if (answer.kind === "accepted") return { accepted: lines, refused: [], tooMany: undefined };
	await delivery.settle(payloads.flatMap(splitLines), answer);
	return delivery.result(takesOthers);
}

class Delivery {
	readonly #insist: Post;
	readonly #refused: RefusedLine[] = [];
	#accepted = 0;
	#tooMany: number | undefined;
	/** What the server said where it did not say that it is about the lines. */
	#unclear: string | undefined;

	constructor(insist: Post) {
		this.#insist = insist;
	}

	result(takesOthers: boolean): Delivered {
		if (this.#unclear !== undefined && this.#accepted === 0 && !takesOthers) {
			throw new UmbraError("unavailable", `the database refuses everything: ${this.#unclear}`, {
				context: { unclear: true },
				hint: "is series.url where the database's HTTP interface begins, and series.version what it is?",
			});
		}
		return { accepted: this.#accepted, refused: this.#refused, tooMany: this.#tooMany };
	}

	async send(lines: readonly Buffer[], maxLines: number, post: Post = this.#insist): Promise<void> {
		for (let from = 0; from < lines.length; from += maxLines) {
			const some = lines.slice(from, from + maxLines);
			await this.settle(some, await post(Buffer.concat(some.flatMap((line) => [line, LINE_FEED]))));
		}
	}

	/** Lines that `answer` is about. */
	async settle(lines: readonly Buffer[], answer: WriteAnswer): Promise<void> {
		if (answer.kind === "accepted") {
			this.#accepted += lines.length;
			return;
		}
		if (answer.kind === "too-large") this.#tooMany = Math.min(this.#tooMany ?? lines.length, lines.length);
		else if (!ABOUT_LINES.test(answer.reason)) this.#unclear = answer.reason;
		// InfluxDB 1.x and 2.x count what they dropped: where it is all of them, there is nothing to look for.
		const isAll = answer.kind === "refused" && answer.dropped >= lines.length;
		if (isAll || lines.length === 1) {
			const reason = answer.kind === "refused" ? answer.reason : "too large for the database";
			for (const line of lines) this.#refused.push({ line, reason });
			return;
		}
		// A type conflict is mostly that of one measurement.
		const groups = answer.kind === "refused" ? [...Map.groupBy(lines, measurementOf).values()] : [];
		for (const part of groups.length > 1 ? groups : halves(lines)) await this.send(part, part.length);
	}
}

function halves<T>(list: readonly T[]): T[][] {
	const middle = list.length >> 1;
	return [list.slice(0, middle), list.slice(middle)];
}
