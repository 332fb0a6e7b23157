/**
 * Writes a ZIP archive (PKWARE APPNOTE 6.3), what .docx and .xlsx files are: so that the demo's documents
 * have the magic bytes and the entropy of real ones.
 */
import { crc32, deflateRawSync } from "node:zlib";

const DEFLATED = 8;
const VERSION_NEEDED = 20;
/** 1980-01-01, the earliest date that the format knows: the archive depends on its content only. */
const DOS_DATE = 0x21;

export function zip(files: Readonly<Record<string, string>>): Buffer {
	const locals: Buffer[] = [];
	const central: Buffer[] = [];
	let offset = 0;
	for (const [path, text] of Object.entries(files)) {
		const name = Buffer.from(path);
		const content = Buffer.from(text);
		const packed = deflateRawSync(content);
		// From "version needed to extract" to "extra field length"; both headers hold it.
		const common = Buffer.alloc(26);
		common.writeUInt16LE(VERSION_NEEDED, 0);
		common.writeUInt16LE(DEFLATED, 4);
		common.writeUInt16LE(DOS_DATE, 8);
		common.writeUInt32LE(crc32(content), 10);
		common.writeUInt32LE(packed.length, 14);
		common.writeUInt32LE(content.length, 18);
		common.writeUInt16LE(name.length, 22);
		locals.push(Buffer.from("PK\x03\x04", "latin1"), common, name, packed);
		const place = Buffer.alloc(14);
		place.writeUInt32LE(offset, 10);
		central.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, place, name);
		offset += 4 + common.length + name.length + packed.length;
	}
	const directory = Buffer.concat(central);
	const end = Buffer.alloc(22);
	end.write("PK\x05\x06", "latin1");
	const count = Object.keys(files).length;
	end.writeUInt16LE(count, 8);
	end.writeUInt16LE(count, 10);
	end.writeUInt32LE(directory.length, 12);
	end.writeUInt32LE(offset, 16);
	return Buffer.concat([...locals, directory, end]);
}
