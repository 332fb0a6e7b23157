import { fuzzes } from "../fuzz/fuzz.ts";
import { XFS_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openXfs", 60, XFS_SUBJECTS);
