import { amount } from "../../test/support/variants.ts";
import { fuzzes } from "../fuzz/fuzz.ts";
import { XFS_SUBJECTS } from "./fuzz-subjects.ts";

fuzzes("openXfs", amount(30, 60), XFS_SUBJECTS);
