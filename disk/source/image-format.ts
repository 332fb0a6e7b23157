/** Which image format a file is in, by its first bytes. Pure. */

/** `raw` is everything that is none of the others. The names are qemu's. */
export const IMAGE_FORMATS = ["raw", "qcow2", "vmdk", "vhdx", "vdi"] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** How much of a file's beginning `detectFormat` looks at. */
export const MAGIC_BYTES = 512;

const QCOW_MAGIC = "QFI\xfb"; // qemu docs/interop/qcow2.txt
const QCOW2_VERSIONS = [2, 3];
const VMDK_SPARSE_MAGIC = "KDMV"; // VMware "Virtual Disk Format 5.0", hosted sparse extent
const VMDK_ESX_MAGIC = "COWD"; // the same, ESX sparse extent
const VMDK_DESCRIPTOR = "# Disk DescriptorFile"; // the same, "The descriptor file"
const VHDX_SIGNATURE = "vhdxfile"; // MS-VHDX 2.2.1 file type identifier
const VDI_SIGNATURE = 0xbeda107f; // VirtualBox include/VBox/vd-vdi.h, behind 64 bytes of text
const VDI_SIGNATURE_OFFSET = 64;

export function detectFormat(head: Uint8Array): ImageFormat {
	const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
	const begins = (text: string) => bytes.toString("latin1", 0, text.length) === text;
	if (begins(QCOW_MAGIC) && bytes.length >= 8 && QCOW2_VERSIONS.includes(bytes.readUInt32BE(4))) return "qcow2";
	if (begins(VMDK_SPARSE_MAGIC) || begins(VMDK_ESX_MAGIC) || begins(VMDK_DESCRIPTOR)) return "vmdk";
	if (begins(VHDX_SIGNATURE)) return "vhdx";
	if (bytes.length >= VDI_SIGNATURE_OFFSET + 4 && bytes.readUInt32LE(VDI_SIGNATURE_OFFSET) === VDI_SIGNATURE)
		return "vdi";
	return "raw";
}

const QCOW2_BACKING_FILE_OFFSET = 8;
const QCOW2_INCOMPATIBLE_FEATURES = 72;
const QCOW2_EXTERNAL_DATA = 1n << 2n;

/** Whether an image that begins so is one file; false where that is not known. */
export function isSingleFile(head: Uint8Array): boolean {
	const format = detectFormat(head);
	if (format !== "qcow2") return format === "raw";
	const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
	if (bytes.length < QCOW2_INCOMPATIBLE_FEATURES + 8) return false;
	if (bytes.readBigUInt64BE(QCOW2_BACKING_FILE_OFFSET) !== 0n) return false;
	const isVersion3 = bytes.readUInt32BE(4) === 3;
	return !isVersion3 || (bytes.readBigUInt64BE(QCOW2_INCOMPATIBLE_FEATURES) & QCOW2_EXTERNAL_DATA) === 0n;
}
