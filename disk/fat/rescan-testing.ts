/** For tests: what the users of a FAT or exFAT volume do to it, by mtools or through a mount. */
import { appendFile, mkdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "../../test/support/random.ts";
import { copyImage } from "../rescan/testing.ts";
import { run } from "./testing.ts";

/** Paths have no slash at their begin. */
export interface Hands {
	/** A new file, or other content in an old one. */
	write(path: string, bytes: Buffer): Promise<void>;
	append(path: string, bytes: Buffer): Promise<void>;
	/** To no more than its size. */
	truncate(path: string, size: number): Promise<void>;
	mkdir(path: string): Promise<void>;
	/** Empty files in a directory that is there. */
	fill(directory: string, names: readonly string[]): Promise<void>;
	/** False where it could not be done, and nothing was. */
	move(from: string, to: string): Promise<boolean>;
	removeFile(path: string): Promise<void>;
	removeTree(path: string): Promise<void>;
}

/** Each write is two seconds after the one before, and so is its time of creation. */
export class MtoolsHands implements Hands {
	readonly #image: string;
	/** For content on its way. */
	readonly #folder: string;
	readonly #contents = new Map<string, Buffer>();
	#turns = 0;

	/** @param folder that is there and empty. */
	constructor(image: string, folder: string) {
		this.#image = image;
		this.#folder = folder;
	}

	async #mtools(program: string, ...args: readonly string[]): Promise<void> {
		await run("env", `SOURCE_DATE_EPOCH=${1_700_000_000 + 2 * this.#turns++}`, program, "-i", this.#image, ...args);
	}

	async write(path: string, bytes: Buffer): Promise<void> {
		const local = join(this.#folder, "content");
		await writeFile(local, bytes);
		await this.#mtools("mcopy", "-D", "o", local, `::/${path}`);
		this.#contents.set(path, bytes);
	}

	async append(path: string, bytes: Buffer): Promise<void> {
		await this.write(path, Buffer.concat([this.#contents.get(path) ?? Buffer.alloc(0), bytes]));
	}

	async truncate(path: string, size: number): Promise<void> {
		await this.write(path, (this.#contents.get(path) ?? Buffer.alloc(0)).subarray(0, size));
	}

	async mkdir(path: string): Promise<void> {
		await this.#mtools("mmd", `::/${path}`);
	}

	async fill(directory: string, names: readonly string[]): Promise<void> {
		const locals = names.map((name) => join(this.#folder, name));
		for (const local of locals) await writeFile(local, "");
		await this.#mtools("mcopy", ...locals, `::/${directory}`);
		for (const local of locals) await rm(local);
	}

	async move(from: string, to: string): Promise<boolean> {
		const saved = join(this.#folder, "saved");
		await copyImage(this.#image, saved);
		try {
			await this.#mtools("mmove", `::/${from}`, `::/${to}`);
		} catch (error) {
			// It stumbles over its own cache of entries now and then.
			if (!(error instanceof Error && "signal" in error && error.signal === "SIGABRT")) throw error;
			await copyImage(saved, this.#image);
			return false;
		}
		for (const [path, bytes] of [...this.#contents]) {
			if (path !== from && !path.startsWith(`${from}/`)) continue;
			this.#contents.delete(path);
			this.#contents.set(to + path.slice(from.length), bytes);
		}
		return true;
	}

	async removeFile(path: string): Promise<void> {
		await this.#mtools("mdel", `::/${path}`);
	}

	async removeTree(path: string): Promise<void> {
		await this.#mtools("mdeltree", `::/${path}`);
	}
}

export class MountHands implements Hands {
	readonly #root: string;

	constructor(root: string) {
		this.#root = root;
	}

	#at(path: string): string {
		return join(this.#root, path);
	}

	async write(path: string, bytes: Buffer): Promise<void> {
		await writeFile(this.#at(path), bytes);
	}

	async append(path: string, bytes: Buffer): Promise<void> {
		await appendFile(this.#at(path), bytes);
	}

	async truncate(path: string, size: number): Promise<void> {
		await truncate(this.#at(path), size);
	}

	async mkdir(path: string): Promise<void> {
		await mkdir(this.#at(path));
	}

	async fill(directory: string, names: readonly string[]): Promise<void> {
		for (const name of names) await writeFile(this.#at(`${directory}/${name}`), "");
	}

	async move(from: string, to: string): Promise<boolean> {
		await rename(this.#at(from), this.#at(to));
		return true;
	}

	async removeFile(path: string): Promise<void> {
		await rm(this.#at(path));
	}

	async removeTree(path: string): Promise<void> {
		await rm(this.#at(path), { recursive: true });
	}
}

/** People without links, permissions and holes. */
export class FatUsers {
	readonly #random: Random;
	/** Sizes by path. */
	readonly #files = new Map<string, number>();
	readonly #directories = new Set<string>();
	#names = 0;

	constructor(random: Random) {
		this.#random = random;
	}

	/** @returns what was done, for people. */
	async live(hands: Hands, steps: number): Promise<string[]> {
		const log: string[] = [];
		while (log.length < steps) log.push(await this.#step(hands));
		return log;
	}

	async #step(hands: Hands): Promise<string> {
		const { pick, below, between, bytes } = this.#random;
		const file = this.#files.size > 0 ? pick([...this.#files.keys()]) : undefined;
		const directory = this.#directories.size > 0 ? pick([...this.#directories]) : undefined;
		const kind = below(15);
		if (kind <= 2 || file === undefined) {
			const path = this.#newPath();
			return await this.#write(hands, "create", path, bytes(pick([0, 10, 100, 5000, 40_000])));
		}
		switch (kind) {
			case 3:
			case 4: {
				const path = this.#newPath();
				await hands.mkdir(path);
				this.#directories.add(path);
				return `mkdir ${path}`;
			}
			case 5:
			case 6: {
				const added = bytes(between(1, 9000));
				await hands.append(file, added);
				this.#files.set(file, this.#files.get(file)! + added.length);
				return `append ${file}`;
			}
			case 7: {
				const size = below(this.#files.get(file)! + 1);
				await hands.truncate(file, size);
				this.#files.set(file, size);
				return `truncate ${file}`;
			}
			case 8: {
				await hands.removeFile(file);
				this.#files.delete(file);
				return `rm ${file}`;
			}
			case 9:
				return await this.#move(hands, file);
			case 10:
				return directory === undefined ? "nothing" : await this.#move(hands, directory);
			case 11: {
				if (directory === undefined) return "nothing";
				await hands.removeTree(directory);
				for (const paths of [this.#files, this.#directories]) {
					for (const path of [...paths.keys()]) {
						if (path === directory || path.startsWith(`${directory}/`)) paths.delete(path);
					}
				}
				return `rm -r ${directory}`;
			}
			case 12:
				return await this.#write(hands, "rewrite", file, bytes(between(0, 9000)));
			case 13: {
				// The next takes its clusters, or its entry.
				await hands.removeFile(file);
				this.#files.delete(file);
				return `${await this.#write(hands, "replace", this.#newPath(), bytes(between(0, 9000)))} for ${file}`;
			}
			default: {
				// A directory that grows beyond one cluster.
				const path = this.#newPath();
				await hands.mkdir(path);
				this.#directories.add(path);
				const count = pick([5, 60]);
				const names = Array.from({ length: count }, (_, i) => `${"many".repeat(10)}-${i}`);
				await hands.fill(path, names);
				return `fill ${path} with ${count}`;
			}
		}
	}

	async #write(hands: Hands, how: string, path: string, content: Buffer): Promise<string> {
		await hands.write(path, content);
		this.#files.set(path, content.length);
		return `${how} ${path}`;
	}

	async #move(hands: Hands, from: string): Promise<string> {
		const to = this.#newPath(from);
		if (!(await hands.move(from, to))) return `no mv ${from} ${to}`;
		const moved = (path: string) => to + path.slice(from.length);
		for (const [path, size] of [...this.#files]) {
			if (path !== from && !path.startsWith(`${from}/`)) continue;
			this.#files.delete(path);
			this.#files.set(moved(path), size);
		}
		for (const path of [...this.#directories]) {
			if (path !== from && !path.startsWith(`${from}/`)) continue;
			this.#directories.delete(path);
			this.#directories.add(moved(path));
		}
		return `mv ${from} ${to}`;
	}

	#newPath(notBelow?: string): string {
		const parents = [...this.#directories].filter((path) => path !== notBelow && !path.startsWith(`${notBelow}/`));
		const parent = this.#random.pick(["", ...parents]);
		const name = this.#random.pick([`n${this.#names}`, `A longer name, number ${this.#names}.text`]);
		this.#names++;
		return parent === "" ? name : `${parent}/${name}`;
	}
}
