import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
	ACK,
	addressNumber,
	addressText,
	arpFrame,
	parseArp,
	parsePacket,
	parseSegment,
	SYN,
	segmentFrame,
	type TcpSegment,
} from "./packets.ts";

const [ours, theirs] = [Buffer.from([2, 0, 0, 0, 0, 1]), Buffer.from([2, 0, 0, 0, 0, 2])];
const ENDS = { fromMac: ours, toMac: theirs, source: 0x0a000001, destination: 0xc0a80102 };
const SEGMENT: TcpSegment = {
	...{ sourcePort: 49_152, destinationPort: 80, sequence: 0xffffffff, acknowledgement: 7, flags: SYN | ACK },
	...{ window: 65_535, mss: 1460, payload: Buffer.from("odd") },
};
const parse = (frame: Buffer, header?: Buffer) => {
	const packet = parsePacket(frame);
	return packet === undefined ? undefined : parseSegment(packet, header);
};

describe("parseSegment", () => {
	it("reads what segmentFrame writes, whatever a frame is filled up with", () => {
		const frame = Buffer.concat([segmentFrame(ENDS, SEGMENT), Buffer.alloc(9, 1)]);
		assert.deepEqual(parse(frame), SEGMENT);
		assert.deepEqual([parsePacket(frame)?.source, parsePacket(frame)?.destination], [ENDS.source, ENDS.destination]);
	});

	it("takes nothing that is cut short, and nothing of which a bit was flipped", () => {
		const frame = segmentFrame(ENDS, SEGMENT);
		for (let length = 0; length < frame.length; length++) {
			if (length >= 14) assert.equal(parse(frame.subarray(0, length)), undefined, `${length} bytes`);
		}
		// Before these bytes stand the addresses of Ethernet, which have no checksum on this side of it.
		for (let bit = 12 * 8; bit < frame.length * 8; bit++) {
			const bent = Buffer.from(frame);
			bent[bit >> 3] = bent[bit >> 3]! ^ (1 << (bit & 7));
			assert.equal(parse(bent), undefined, `bit ${bit}`);
		}
	});

	it("believes a checksum that is still to be made where the frame's header says that it is", () => {
		const frame = segmentFrame(ENDS, SEGMENT);
		frame.writeUInt16BE(0, 14 + 20 + 16);
		assert.equal(parse(frame), undefined);
		assert.equal(parse(frame, Buffer.alloc(12)), undefined);
		assert.equal(parse(frame, Buffer.concat([Buffer.from([1]), Buffer.alloc(11)]))?.destinationPort, 80);
	});

	it("goes on behind options that make no sense", () => {
		const header = Buffer.concat([Buffer.from([1]), Buffer.alloc(11)]);
		for (const options of [
			[2, 0, 0, 0],
			[2, 1, 0, 0],
			[2, 200, 0, 0],
			[1, 1, 1, 2],
			[0, 2, 4, 9],
		]) {
			const frame = segmentFrame(ENDS, SEGMENT);
			frame.set(options, 14 + 20 + 20);
			assert.deepEqual([parse(frame, header)?.mss, parse(frame, header)?.payload.toString()], [undefined, "odd"]);
		}
	});
});

describe("parseArp", () => {
	it("reads what arpFrame writes", () => {
		const asked = parseArp(arpFrame(ours, ENDS.source, ENDS.destination));
		const { source: sender, destination: target } = ENDS;
		assert.deepEqual(asked, { isRequest: true, senderMac: ours, sender, target });
		assert.equal(parseArp(arpFrame(ours, ENDS.source, ENDS.destination, theirs))?.isRequest, false);
		assert.equal(parseArp(arpFrame(ours, 1, 2).subarray(0, 41)), undefined);
	});
});

describe("addressNumber", () => {
	it("takes IPv4 addresses and nothing else", () => {
		for (const address of ["0.0.0.0", "10.0.2.15", "255.255.255.255"]) {
			assert.equal(addressText(addressNumber(address)!), address);
		}
		for (const other of ["10.0.2", "::1", "10.0.2.256", "web1", ""]) assert.equal(addressNumber(other), undefined);
	});
});
