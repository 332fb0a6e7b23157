/** For the tests of this folder: disks in a real vault, exported. */
import { join } from "node:path";
import { BLOCK_SIZE, blockCount, NAME_SIZE, nameToHex } from "../../common/block.ts";
import { silentLogger } from "../../common/log.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { updateTree } from "../vault/tree.ts";
import { Vault } from "../vault/vault.ts";
import { type ExportRequest, ExportTable } from "./exports.ts";

export const TIME = "1763754483123456789";

/** A disk lies in several, of which all but the last are sealed. */
const PACK_BYTES = 2 ** 20;

/** Puts a disk into the vault; its root. */
export async function storeDisk(vault: Vault, disk: Uint8Array): Promise<string> {
	const names = Buffer.alloc(blockCount(disk.length) * NAME_SIZE);
	for (let at = 0; at < disk.length; at += BLOCK_SIZE) {
		const block = Buffer.alloc(BLOCK_SIZE);
		block.set(disk.subarray(at, at + BLOCK_SIZE));
		names.set(await vault.putPlain(block), (at / BLOCK_SIZE) * NAME_SIZE);
	}
	return nameToHex(await updateTree(vault, null, blockCount(disk.length), [{ firstBlock: 0, names }]));
}

/** A vault with these disks of one VM, and the exports of it; all goes with it. */
export class ExportSite implements AsyncDisposable {
	readonly folder: TempFolder;
	readonly disks: ExportRequest["disks"];
	readonly exports: ExportTable;
	readonly vault: Vault;
	readonly #resources: AsyncDisposableStack;

	private constructor(
		folder: TempFolder,
		disks: ExportRequest["disks"],
		exports: ExportTable,
		vault: Vault,
		resources: AsyncDisposableStack,
	) {
		this.folder = folder;
		this.disks = disks;
		this.exports = exports;
		this.vault = vault;
		this.#resources = resources;
	}

	/** @param damage is done to the vault's folder while it is closed. */
	static async start(
		contents: Readonly<Record<string, Uint8Array>>,
		damage?: (vaultFolder: string) => Promise<void>,
	): Promise<ExportSite> {
		await using resources = new AsyncDisposableStack();
		const folder = resources.use(await tempFolder());
		const vaultFolder = folder.file("vault");
		const disks: { disk: string; sizeBytes: number; root: string }[] = [];
		{
			await using vault = await Vault.open({ folder: vaultFolder, packBytes: PACK_BYTES });
			for (const [disk, bytes] of Object.entries(contents)) {
				disks.push({ disk, sizeBytes: bytes.length, root: await storeDisk(vault, bytes) });
			}
		}
		await damage?.(vaultFolder);
		const store = resources.use(await Vault.open({ folder: vaultFolder, packBytes: PACK_BYTES }));
		const options = { folder: join(folder.path, "exports"), store, log: silentLogger() };
		const exports = resources.use(await ExportTable.open(options));
		return new ExportSite(folder, disks, exports, store, resources.move());
	}

	/** An export of all disks. */
	open(more: Partial<ExportRequest> = {}) {
		return this.exports.start({ vm: "web1", time: TIME, disks: this.disks, leaseSeconds: 60, ...more });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#resources[Symbol.asyncDispose]();
	}
}
