import { fuzzes } from "../fuzz/fuzz.ts";
import { EXFAT_SUBJECTS, FAT_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openFat", 20, FAT_SUBJECTS);
fuzzes("openExfat", 20, EXFAT_SUBJECTS);
