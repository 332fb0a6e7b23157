/** Volumes of FAT and exFAT that are damaged. */
import { needs } from "../../test/support/requires.ts";
import type { FuzzSubject } from "../fuzz/fuzz.ts";
import { makeExfat, makeFat } from "./testing.ts";

function fat(bits: number, size: number): FuzzSubject {
	return {
		name: `FAT${bits}`,
		format: "fat",
		needs: () => needs("mkfs.fat", "mcopy"),
		make: async (path) => {
			await makeFat(path, bits, size, ["-s", "1"]);
			return [path];
		},
	};
}

export const FAT_SUBJECTS: readonly FuzzSubject[] = [fat(12, 2 << 20), fat(16, 5 << 20), fat(32, 36 << 20)];

export const EXFAT_SUBJECTS: readonly FuzzSubject[] = [
	{
		name: "exFAT",
		format: "exfat",
		needs: () => needs("mkfs.exfat"),
		make: async (path) => {
			await makeExfat(path);
			return [path];
		},
	},
];
