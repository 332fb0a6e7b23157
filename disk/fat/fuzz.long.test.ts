import { amount } from "../../test/support/variants.ts";
import { fuzzes } from "../fuzz/fuzz.ts";
import { EXFAT_SUBJECTS, FAT_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openFat", amount(30, 60), FAT_SUBJECTS);
fuzzes("openExfat", amount(30, 60), EXFAT_SUBJECTS);
