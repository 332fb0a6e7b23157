import { amount } from "../../test/support/variants.ts";
import { fuzzes } from "../fuzz/fuzz.ts";
import { EXT_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openExt", amount(30, 60), EXT_SUBJECTS);
