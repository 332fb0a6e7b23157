/** Images of NTFS that are damaged: what each record can hold, compressed units, and a change journal. */
import { writeFile } from "node:fs/promises";
import { createRandom } from "../../test/support/random.ts";
import type { FuzzSubject } from "../fuzz/fuzz.ts";
import { USN_STREAM } from "../fuzz/rounds.ts";
import { makeJournal, makeVolume, mount, needsNtfs, reparseData, setAttribute, writeFragmented } from "./testing.ts";
import { REASON } from "./usn.ts";

const SIZE = 8 << 20;

function subject(name: string, cluster: number, options: readonly string[] = []): FuzzSubject {
	const compressed = options.includes("-C");
	return {
		name,
		format: "ntfs",
		needs: () => needsNtfs("setfattr"),
		content: [USN_STREAM, ...(compressed ? ["/packed"] : [])],
		make: async (path) => {
			await makeVolume(path, SIZE, ["-c", String(cluster), ...options]);
			const random = createRandom(5);
			await using volume = await mount(path, compressed ? ["compression"] : []);
			for (let i = 0; i < 60; i++) await writeFile(volume.at(`a-file-with-a-longer-name-${i}`), String(i));
			await writeFile(volume.at("packed"), "all work and no play ".repeat(9000));
			await writeFile(volume.at("plain"), random.bytes(70_000));
			await writeFile(volume.at("plain:stream"), "hidden");
			for (let i = 0; i < 30; i++) await writeFile(volume.at(`plain:a stream with a long name ${i}`), "x".repeat(40));
			if (!compressed) await writeFragmented(volume.at("fragmented"), cluster, 200, random.bytes(200 * cluster));
			await writeFile(volume.at("link"), "");
			await setAttribute(volume.at("link"), "ntfs_reparse_data", reparseData("symlink", "plain"));
			const reasons = Object.values(REASON);
			const changes = Array.from({ length: 300 }, (_, i) => ({
				inode: 64 + (i % 9),
				name: `renamed ${i}`,
				reason: reasons[i % reasons.length]!,
			}));
			await writeFile(volume.at(USN_STREAM), makeJournal(changes));
			return [path];
		},
	};
}

export const NTFS_SUBJECTS: readonly FuzzSubject[] = [
	subject("small clusters", 512),
	subject("4 KiB clusters", 4096),
	subject("compressed", 4096, ["-C"]),
];
