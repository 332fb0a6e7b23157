/** The hashes by which a journal finds its data: SipHash-2-4 keyed by the file's id, or Jenkins' lookup3 in old files. */

const MASK = (1n << 64n) - 1n;

/** J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF". @param key 16 bytes. */
export function sipHash24(bytes: Buffer, key: Buffer): bigint {
	const [k0, k1] = [key.readBigUInt64LE(0), key.readBigUInt64LE(8)];
	let [v0, v1] = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn];
	let [v2, v3] = [k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n];
	const rounds = (count: number): void => {
		for (let round = 0; round < count; round++) {
			v0 = (v0 + v1) & MASK;
			v1 = rotate64(v1, 13n) ^ v0;
			v0 = rotate64(v0, 32n);
			v2 = (v2 + v3) & MASK;
			v3 = rotate64(v3, 16n) ^ v2;
			v0 = (v0 + v3) & MASK;
			v3 = rotate64(v3, 21n) ^ v0;
			v2 = (v2 + v1) & MASK;
			v1 = rotate64(v1, 17n) ^ v2;
			v2 = rotate64(v2, 32n);
		}
	};
	const padded = Buffer.alloc((bytes.length & ~7) + 8);
	bytes.copy(padded);
	padded[padded.length - 1] = bytes.length & 0xff;
	for (let at = 0; at < padded.length; at += 8) {
		const word = padded.readBigUInt64LE(at);
		v3 ^= word;
		rounds(2);
		v0 ^= word;
	}
	v2 ^= 0xffn;
	rounds(4);
	return v0 ^ v1 ^ v2 ^ v3;
}

/** `jenkins_hash64` of systemd: `hashlittle2` of Bob Jenkins' lookup3.c with both seeds 0, the primary half first. */
export function jenkinsHash64(bytes: Buffer): bigint {
	let a = (0xdeadbeef + bytes.length) | 0;
	let b = a;
	let c = a;
	const whole = Math.max(0, Math.ceil(bytes.length / 12) - 1) * 12;
	for (let at = 0; at < whole; at += 12) {
		a = (a + bytes.readInt32LE(at)) | 0;
		b = (b + bytes.readInt32LE(at + 4)) | 0;
		c = (c + bytes.readInt32LE(at + 8)) | 0;
		a = ((a - c) ^ rotate32(c, 4)) | 0;
		c = (c + b) | 0;
		b = ((b - a) ^ rotate32(a, 6)) | 0;
		a = (a + c) | 0;
		c = ((c - b) ^ rotate32(b, 8)) | 0;
		b = (b + a) | 0;
		a = ((a - c) ^ rotate32(c, 16)) | 0;
		c = (c + b) | 0;
		b = ((b - a) ^ rotate32(a, 19)) | 0;
		a = (a + c) | 0;
		c = ((c - b) ^ rotate32(b, 4)) | 0;
		b = (b + a) | 0;
	}
	if (bytes.length > 0) {
		const tail = Buffer.alloc(12);
		bytes.copy(tail, 0, whole);
		a = (a + tail.readInt32LE(0)) | 0;
		b = (b + tail.readInt32LE(4)) | 0;
		c = (c + tail.readInt32LE(8)) | 0;
		c = ((c ^ b) - rotate32(b, 14)) | 0;
		a = ((a ^ c) - rotate32(c, 11)) | 0;
		b = ((b ^ a) - rotate32(a, 25)) | 0;
		c = ((c ^ b) - rotate32(b, 16)) | 0;
		a = ((a ^ c) - rotate32(c, 4)) | 0;
		b = ((b ^ a) - rotate32(a, 14)) | 0;
		c = ((c ^ b) - rotate32(b, 24)) | 0;
	}
	return (BigInt(c >>> 0) << 32n) | BigInt(b >>> 0);
}

function rotate64(value: bigint, by: bigint): bigint {
	return ((value << by) | (value >> (64n - by))) & MASK;
}

function rotate32(value: number, by: number): number {
	return (value << by) | (value >>> (32 - by));
}
