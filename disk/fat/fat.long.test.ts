/** The variants that `npm test` leaves out. */
import "./fat.test.ts";
