import { amount } from "../../test/support/variants.ts";
import { DISK_SUBJECTS } from "./disk-subjects.ts";
import { fuzzes } from "./fuzz.ts";

fuzzes("openDisks", amount(30, 60), DISK_SUBJECTS);
