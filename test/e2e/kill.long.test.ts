/** More rounds than `npm test` has time for. */
import "./kill.test.ts";
