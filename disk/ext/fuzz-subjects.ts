/** Images of ext that are damaged: every way to map blocks, with checksums left out where they would stop damage early. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { FuzzSubject } from "../fuzz/fuzz.ts";
import { debugfs, makeImage, makeTree } from "./testing.ts";

const SIZE = 16 << 20;

function subject(
	name: string,
	options: readonly string[],
	commands: (folder: string) => readonly string[] = () => [],
): FuzzSubject {
	return {
		name,
		format: "ext",
		needs: () => needs("mke2fs", "debugfs"),
		make: async (path) => {
			await using folder = await tempFolder();
			await makeTree(folder.file("tree"));
			await makeImage(path, SIZE, options, folder.file("tree"));
			await writeFile(join(folder.path, "block"), Buffer.alloc(4096, "journalled"));
			const list = commands(folder.path);
			if (list.length > 0) await debugfs(path, list, true);
			return [path];
		},
	};
}

export const EXT_SUBJECTS: readonly FuzzSubject[] = [
	subject("ext2", ["-t", "ext2", "-b", "1024"]),
	subject("ext4", ["-t", "ext4", "-b", "1024", "-O", "^metadata_csum"]),
	subject("ext4 with a journal to replay", ["-t", "ext4", "-b", "1024"], (folder) => [
		"jo -c",
		`jw -b 2000-2003 ${folder}/block`,
		`jw -b 2001 -r 2002 ${folder}/block`,
		"jc",
	]),
	subject("inline data", ["-t", "ext4", "-O", "inline_data,ea_inode,^metadata_csum,^has_journal"]),
	subject("bigalloc", ["-t", "ext4", "-O", "bigalloc,^metadata_csum", "-C", "8192"]),
];
