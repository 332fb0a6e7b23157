import { fuzzes } from "../fuzz/fuzz.ts";
import { EXT_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openExt", 60, EXT_SUBJECTS);
