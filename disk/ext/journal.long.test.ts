/** The variants that `npm test` leaves out. */
import "./journal.test.ts";
