import { fuzzes } from "../fuzz/fuzz.ts";
import { FAT_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openFat and openExfat", 20, FAT_SUBJECTS);
