import { fuzzes } from "../fuzz/fuzz.ts";
import { FAT_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openFat and openExfat", 60, FAT_SUBJECTS);
