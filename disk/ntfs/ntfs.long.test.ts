/** The variants that `npm test` leaves out. */
import "./ntfs.test.ts";
