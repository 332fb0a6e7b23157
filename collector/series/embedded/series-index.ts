/** Numbers for series, and what is known of each, while the process lives. On disk a series is its tags. */

import type { Table } from "./layout.ts";
import type { Tags } from "./log-record.ts";

type Branch = Map<string, Branch | number>;

export class SeriesIndex {
	readonly table: Table;
	/** A level a tag: a number at the last. Joining the values to one key would cost more than all the rest of a write. */
	readonly #root: Branch = new Map();
	/** By number; values in the order of the table's tags, empty where a series has none. */
	readonly values: (readonly string[])[] = [];
	/** By number: the newest time of which a point came. */
	readonly newestNs: (bigint | undefined)[] = [];

	constructor(table: Table) {
		this.table = table;
	}

	/** @param tags of the table */
	numberOf(tags: Tags): number {
		const names = this.table.tags;
		const last = names.length - 1;
		let branch = this.#root;
		for (let at = 0; at < last; at++) {
			const value = tags[names[at]!] ?? "";
			let next = branch.get(value) as Branch | undefined;
			if (next === undefined) {
				next = new Map();
				branch.set(value, next);
			}
			branch = next;
		}
		const value = tags[names[last]!] ?? "";
		const known = branch.get(value) as number | undefined;
		if (known !== undefined) return known;
		const number = this.values.length;
		branch.set(value, number);
		this.values.push(this.table.tags.map((tag) => tags[tag] ?? ""));
		this.newestNs.push(undefined);
		return number;
	}

	tagsOf(number: number): Tags {
		const values = this.values[number]!;
		return Object.fromEntries(
			this.table.tags.map((tag, place) => [tag, values[place]!] as const).filter(([, value]) => value !== ""),
		);
	}
}
