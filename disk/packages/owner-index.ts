/**
 * Which package owned which file, as it is kept until the guest's packages change: by then their lists are gone, and
 * with them what a deleted file was part of.
 */
import { type SealedFormat, seal, unseal } from "../sealed.ts";
import { ColumnWriter } from "../tree-columns.ts";
import type { OwnedFolder, Package } from "./package-db.ts";

const FORMAT: SealedFormat = { structure: "owner index", magic: "UOWN", versions: [1], maxBody: 128 << 20 };
/** Characters of folders, names and packages: four times what a desktop with everything has. What is beyond is left out. */
const MAX_TEXT = 32 << 20;
const MANAGERS: readonly Package["manager"][] = ["dpkg", "rpm"];
/** What no name has in it. */
const SEPARATOR = "/";

/** @param folders of several for one file, the first counts. */
export function encodeOwners(folders: Iterable<OwnedFolder>): Uint8Array {
	const packages = new Map<Package, number>();
	const writer = new ColumnWriter();
	let text = 0;
	let count = 0;
	for (const { folder, owners } of folders) {
		const names: string[] = [];
		const numbers: number[] = [];
		for (const [name, owner] of owners) {
			let number = packages.get(owner);
			text += name.length + (number === undefined ? owner.name.length + owner.version.length + owner.arch.length : 0);
			if (text + folder.length > MAX_TEXT) break;
			if (number === undefined) {
				number = packages.size;
				packages.set(owner, number);
			}
			names.push(name);
			numbers.push(number);
		}
		if (names.length === 0) continue;
		text += folder.length;
		count++;
		writer.string(folder);
		writer.natural(names.length);
		writer.string(names.join(SEPARATOR));
		for (const number of numbers) writer.natural(number);
	}
	const head = new ColumnWriter();
	head.natural(packages.size);
	for (const { manager, name, version, arch } of packages.keys()) {
		head.byte(MANAGERS.indexOf(manager));
		for (const field of [name, version, arch]) head.string(field);
	}
	head.natural(count);
	return seal(FORMAT, Buffer.concat([head.bytes(), writer.bytes()]));
}

interface Folder {
	readonly names: string;
	readonly numbers: Float64Array;
}

export class OwnerIndex {
	readonly #packages: readonly Package[];
	readonly #folders: ReadonlyMap<string, readonly Folder[]>;
	/** Of the folder that was asked for last: what is deleted together lies together. */
	#last: { readonly folder: string; readonly owners: ReadonlyMap<string, Package> } | undefined;

	private constructor(packages: readonly Package[], folders: ReadonlyMap<string, readonly Folder[]>) {
		this.#packages = packages;
		this.#folders = folders;
	}

	/** @throws UmbraError `corrupt` for what `encodeOwners` did not make, `unsupported` for another version. */
	static decode(bytes: Uint8Array): OwnerIndex {
		return unseal(FORMAT, bytes, undefined, (reader) => {
			const packages = Array.from({ length: reader.count(4) }, (): Package => {
				const manager = reader.choice(MANAGERS);
				return { manager, name: reader.string(), version: reader.string(), arch: reader.string() };
			});
			const folders = new Map<string, Folder[]>();
			for (let left = reader.count(4); left > 0; left--) {
				const folder = reader.string();
				const count = reader.count(1);
				const found: Folder = { names: reader.string(), numbers: reader.naturals(count) };
				if (found.numbers.some((number) => number >= packages.length)) throw reader.damaged("no such package");
				const known = folders.get(folder);
				if (known === undefined) folders.set(folder, [found]);
				else known.push(found);
			}
			return new OwnerIndex(packages, folders);
		});
	}

	/** @param path absolute in the guest, without symlinks. */
	ownerOf(path: string): Package | undefined {
		const slash = path.lastIndexOf("/");
		const folder = path.slice(0, Math.max(0, slash));
		if (this.#last?.folder !== folder) this.#last = { folder, owners: this.#ownersIn(folder) };
		return this.#last.owners.get(path.slice(slash + 1));
	}

	#ownersIn(folder: string): Map<string, Package> {
		const owners = new Map<string, Package>();
		for (const { names, numbers } of this.#folders.get(folder) ?? []) {
			for (const [at, name] of names.split(SEPARATOR).entries()) {
				const owner = this.#packages[numbers[at] ?? -1];
				if (owner !== undefined && !owners.has(name)) owners.set(name, owner);
			}
		}
		return owners;
	}
}
