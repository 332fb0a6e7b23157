import { amount } from "../../test/support/variants.ts";
import { fuzzes } from "../fuzz/fuzz.ts";
import { FAT_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openFat and openExfat", amount(30, 60), FAT_SUBJECTS);
