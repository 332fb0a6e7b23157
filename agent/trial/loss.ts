/** That a clone was failed by its host: what it does from then on says nothing of its machine. The first reason counts. */
export class Loss {
	/** Resolves with the reason. Never rejects. */
	readonly happened: Promise<string>;
	readonly #tell: (reason: string) => void;
	#told: { readonly reason: string; readonly at: number } | undefined;

	constructor() {
		const { promise, resolve } = Promise.withResolvers<string>();
		this.happened = promise;
		this.#tell = resolve;
	}

	/** Why, for people, and when, as `performance.now()` has it; undefined where it did not happen. */
	get told(): { readonly reason: string; readonly at: number } | undefined {
		return this.#told;
	}

	tell(reason: string): void {
		this.#told ??= { reason, at: performance.now() };
		this.#tell(this.#told.reason);
	}
}
