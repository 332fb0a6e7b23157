import { DISK_SUBJECTS } from "./disk-subjects.ts";
import { fuzzes } from "./fuzz.ts";

fuzzes("openDisks", 60, DISK_SUBJECTS);
