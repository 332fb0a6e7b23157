import { fuzzes } from "../fuzz/fuzz.ts";
import { EXT_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openExt", 20, EXT_SUBJECTS);
