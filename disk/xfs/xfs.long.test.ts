import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { tempFolder } from "../../test/support/temp.ts";
import { openFile } from "../source/file.ts";
import {
	assertEveryBlock,
	assertSame,
	assertVariant,
	makeImage,
	mounted,
	needsMount,
	readMount,
	VARIANTS,
} from "./testing.ts";
import { openXfs } from "./xfs.ts";
// The variants that `npm test` leaves out.
import "./version4.test.ts";

describe("openXfs shows what the kernel and xfs_db show", () => {
	for (const variant of VARIANTS) {
		if (variant.long !== true) continue;
		it(`${variant.name}: ${variant.options.join(" ")}`, needsMount(), () => assertVariant(variant));
	}

	it("100,000 files", needsMount(), async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		await makeImage(image, 2048, []);
		await mounted(image, async (root) => {
			for (let folder = 0; folder < 100; folder++) {
				const path = join(root, String(folder % 10), `folder-${folder}`);
				await mkdir(path, { recursive: true });
				for (let i = 0; i < 1000; i++) await writeFile(join(path, `file-${i}`), `${folder} ${i}`);
			}
		});
		const wanted = await mounted(image, readMount, "ro");
		assert.equal(wanted.size, 100_000 + 100 + 10 + 1);
		await using source = await openFile(image);
		const fs = await openXfs(source);
		const scan = await fs.scan();
		assert.deepEqual(fs.problems, []);
		await assertSame(fs, scan, wanted);
		await assertEveryBlock(image, scan, false);
	});
});
