import { amount } from "../../test/support/variants.ts";
import { fuzzes } from "../fuzz/fuzz.ts";
import { NTFS_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openNtfs", amount(30, 60), NTFS_SUBJECTS);
