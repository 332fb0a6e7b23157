import { fuzzes } from "../fuzz/fuzz.ts";
import { XFS_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openXfs", 20, XFS_SUBJECTS);
