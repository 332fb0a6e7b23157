/** The variants that `npm test` leaves out. */
import "./lvm.test.ts";
