/** The variants that `npm test` leaves out. */
import "./exfat.test.ts";
