const PAGE_CLUSTERS = 1 << 15;
const PAGE_WORDS = PAGE_CLUSTERS / 32;

/** A set of cluster numbers. A whole page costs no memory, so that one huge file without a chain does not either. */
export class ClusterSet {
	readonly #pages = new Map<number, Uint32Array | "full">();
	#refused = false;

	/** Whether anything was to be added that was already there. */
	get refused(): boolean {
		return this.#refused;
	}

	/** False where it was already there. */
	add(cluster: number): boolean {
		const added = this.#add(cluster);
		if (!added) this.#refused = true;
		return added;
	}

	#add(cluster: number): boolean {
		const number = Math.floor(cluster / PAGE_CLUSTERS);
		let page = this.#pages.get(number);
		if (page === "full") return false;
		if (page === undefined) {
			page = new Uint32Array(PAGE_WORDS);
			this.#pages.set(number, page);
		}
		const within = cluster % PAGE_CLUSTERS;
		const mask = 1 << (within & 31);
		const word = page[within >>> 5]!;
		page[within >>> 5] = word | mask;
		return (word & mask) === 0;
	}

	/** Adds from `first` on until one was already there; how many were added. */
	addRun(first: number, count: number): number {
		let added = 0;
		while (added < count) {
			const cluster = first + added;
			const wholePage = cluster % PAGE_CLUSTERS === 0 && count - added >= PAGE_CLUSTERS;
			if (wholePage && !this.#pages.has(cluster / PAGE_CLUSTERS)) {
				this.#pages.set(cluster / PAGE_CLUSTERS, "full");
				added += PAGE_CLUSTERS;
			} else if (this.add(cluster)) {
				added++;
			} else break;
		}
		return added;
	}
}
