/** Images of XFS that are damaged. */
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { makeTree } from "../ext/testing.ts";
import type { FuzzSubject } from "../fuzz/fuzz.ts";
import { fillTree, makeImage, makeImageOf, mounted, needsMount } from "./testing.ts";

function mountedSubject(name: string, options: readonly string[], blockSize: number): FuzzSubject {
	return {
		name,
		format: "xfs",
		needs: () => needsMount(),
		make: async (path) => {
			await makeImage(path, 512, options);
			await mounted(path, (root) => fillTree(root, blockSize));
			return [path];
		},
	};
}

export const XFS_SUBJECTS: readonly FuzzSubject[] = [
	mountedSubject("version 5", ["-m", "rmapbt=1"], 4096),
	mountedSubject(
		"version 5, 1 KiB blocks, long directory blocks",
		["-b", "size=1024", "-n", "size=4096", "-i", "nrext64=1"],
		1024,
	),
	{
		// Without checksums and owners damage is not noticed early and goes deeper.
		name: "version 4",
		format: "xfs",
		needs: () => needs("mkfs.xfs"),
		make: async (path) => {
			await using folder = await tempFolder();
			await makeTree(folder.file("tree"));
			await makeImageOf(path, 300, ["-m", "crc=0", "-b", "size=512"], folder.file("tree"));
			return [path];
		},
	},
];
