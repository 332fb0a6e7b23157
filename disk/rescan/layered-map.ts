/** A large map that stays as it is under a small one of what changed since. */

export class LayeredMap<V extends object> implements ReadonlyMap<number, V> {
	readonly base: ReadonlyMap<number, V>;
	/** Undefined for what is in the base and gone. */
	readonly changed: ReadonlyMap<number, V | undefined>;
	readonly size: number;

	constructor(base: ReadonlyMap<number, V>, changed: ReadonlyMap<number, V | undefined>) {
		this.base = base;
		this.changed = changed;
		let { size } = base;
		for (const [key, value] of changed) size += (value === undefined ? 0 : 1) - (base.has(key) ? 1 : 0);
		this.size = size;
	}

	get(key: number): V | undefined {
		const value = this.changed.get(key);
		return value !== undefined || this.changed.has(key) ? value : this.base.get(key);
	}

	has(key: number): boolean {
		return this.get(key) !== undefined;
	}

	/** What is new comes first, then all else in the order of the base. */
	*entries(): MapIterator<[number, V]> {
		for (const [key, value] of this.changed) if (value !== undefined && !this.base.has(key)) yield [key, value];
		for (const entry of this.base) {
			if (!this.changed.has(entry[0])) yield entry;
			else {
				const value = this.changed.get(entry[0]);
				if (value !== undefined) yield [entry[0], value];
			}
		}
	}

	*keys(): MapIterator<number> {
		for (const [key] of this.entries()) yield key;
	}

	*values(): MapIterator<V> {
		for (const [, value] of this.entries()) yield value;
	}

	[Symbol.iterator](): MapIterator<[number, V]> {
		return this.entries();
	}

	forEach(each: (value: V, key: number, map: ReadonlyMap<number, V>) => void): void {
		for (const [key, value] of this.entries()) each(value, key, this);
	}
}
