import { fuzzes } from "../fuzz/fuzz.ts";
import { NTFS_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openNtfs", 60, NTFS_SUBJECTS);
