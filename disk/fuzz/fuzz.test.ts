import { DISK_SUBJECTS } from "./disk-subjects.ts";
import { fuzzes } from "./fuzz.ts";

fuzzes("openDisks", 10, DISK_SUBJECTS);
