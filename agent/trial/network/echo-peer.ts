/**
 * A peer that makes a network look alive: it answers ARP for every address but the asker's own, and ICMP echo requests.
 * RFC 826, RFC 792. It lives in this process; what it says comes from nowhere.
 */
import type { Peer } from "./segment.ts";

/** Locally administered; "umbra" but for its first letter. */
export const ECHO_MAC: Buffer = Buffer.from([0x02, 0x75, 0x6d, 0x62, 0x72, 0x61]);

const ETHERNET = 14;
const TYPE_IPV4 = 0x0800;
const TYPE_ARP = 0x0806;
const ARP_BYTES = 28;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const IPV4_BYTES = 20;
const PROTOCOL_ICMP = 1;
const ICMP_ECHO = 8;

export const echoPeer = (): Peer => ({
	name: "echo",
	receive(frame, reply) {
		const type = frame.readUInt16BE(12);
		const answer = type === TYPE_ARP ? answerArp(frame) : type === TYPE_IPV4 ? answerEcho(frame) : undefined;
		if (answer !== undefined) reply(answer);
	},
});

function answerArp(frame: Buffer): Buffer | undefined {
	if (frame.length < ETHERNET + ARP_BYTES || frame.readUInt16BE(ETHERNET + 6) !== ARP_REQUEST) return undefined;
	const sender = frame.subarray(ETHERNET + 8, ETHERNET + 18);
	const target = frame.subarray(ETHERNET + 24, ETHERNET + 28);
	// Whoever asks for his own address wants to know whether another has it.
	const isProbe = sender.readUInt32BE(6) === 0;
	if (isProbe || sender.subarray(6).equals(target)) return undefined;
	const answer = Buffer.from(frame.subarray(0, ETHERNET + ARP_BYTES));
	frame.copy(answer, 0, 6, 12);
	ECHO_MAC.copy(answer, 6);
	answer.writeUInt16BE(ARP_REPLY, ETHERNET + 6);
	ECHO_MAC.copy(answer, ETHERNET + 8);
	target.copy(answer, ETHERNET + 14);
	sender.copy(answer, ETHERNET + 18);
	return answer;
}

function answerEcho(frame: Buffer): Buffer | undefined {
	if (frame.length < ETHERNET + IPV4_BYTES + 8) return undefined;
	const header = ((frame[ETHERNET] ?? 0) & 0x0f) * 4;
	const icmp = ETHERNET + header;
	const isFragment = (frame.readUInt16BE(ETHERNET + 6) & 0x3fff) !== 0;
	if (header < IPV4_BYTES || isFragment || frame[ETHERNET + 9] !== PROTOCOL_ICMP || frame.length < icmp + 8) {
		return undefined;
	}
	const end = ETHERNET + frame.readUInt16BE(ETHERNET + 2);
	if (frame[icmp] !== ICMP_ECHO || end > frame.length || end < icmp + 8) return undefined;
	const answer = Buffer.from(frame);
	frame.copy(answer, 0, 6, 12);
	ECHO_MAC.copy(answer, 6);
	frame.copy(answer, ETHERNET + 12, ETHERNET + 16, ETHERNET + 20);
	frame.copy(answer, ETHERNET + 16, ETHERNET + 12, ETHERNET + 16);
	answer[icmp] = 0;
	answer.writeUInt16BE(0, icmp + 2);
	answer.writeUInt16BE(checksum(answer.subarray(icmp, end)), icmp + 2);
	return answer;
}

/** RFC 1071. */
export function checksum(bytes: Buffer): number {
	let sum = 0;
	for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
	if (bytes.length % 2 === 1) sum += (bytes.at(-1) ?? 0) << 8;
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	return ~sum & 0xffff;
}
