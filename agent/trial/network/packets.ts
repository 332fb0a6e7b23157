/**
 * What a small endpoint needs of ARP, IPv4, TCP and ICMP (RFC 826, 791, 9293, 792): frames to checked values, and back. Pure. A frame
 * that is cut short, that lies about its lengths, or whose checksums are wrong is undefined, as it would be lost on any host.
 */
import { isIPv4 } from "node:net";
import { checksum } from "./echo-peer.ts";

export const ETHERNET_BYTES = 14;
const ARP_BYTES = 28;
const IPV4_BYTES = 20;
const TCP_BYTES = 20;
const TYPE_IPV4 = 0x0800;
const TYPE_ARP = 0x0806;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const ICMP_UNREACHABLE = 3;
/** ARP's "Ethernet and IPv4, addresses of 6 and of 4 bytes". */
const ARP_HEAD = Buffer.from([0, 1, 8, 0, 6, 4]);
const OPTION_END = 0;
const OPTION_NONE = 1;
const OPTION_MSS = 2;
const NO_FRAGMENTS = 0x4000;
const TIME_TO_LIVE = 64;
/** virtio_net_hdr: the sender left the checksum of what is in the packet to others. */
const NEEDS_CHECKSUM = 1;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;

export interface Arp {
	readonly isRequest: boolean;
	readonly senderMac: Buffer;
	/** Addresses as numbers, here as everywhere. */
	readonly sender: number;
	readonly target: number;
}

export interface Packet {
	readonly source: number;
	readonly destination: number;
	readonly protocol: number;
	readonly payload: Buffer;
}

export interface TcpSegment {
	readonly sourcePort: number;
	readonly destinationPort: number;
	readonly sequence: number;
	readonly acknowledgement: number;
	readonly flags: number;
	readonly window: number;
	/** Largest payload that the sender takes, where it said so. */
	readonly mss?: number;
	readonly payload: Buffer;
}

export interface Ends {
	readonly fromMac: Buffer;
	readonly toMac: Buffer;
	readonly source: number;
	readonly destination: number;
}

/** Undefined for what is no IPv4 address. */
export function addressNumber(text: string): number | undefined {
	if (!isIPv4(text)) return undefined;
	return text.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}

export function addressText(address: number): string {
	return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

export function parseArp(frame: Buffer): Arp | undefined {
	if (frame.length < ETHERNET_BYTES + ARP_BYTES || frame.readUInt16BE(12) !== TYPE_ARP) return undefined;
	const arp = frame.subarray(ETHERNET_BYTES);
	const operation = arp.readUInt16BE(6);
	if (!arp.subarray(0, 6).equals(ARP_HEAD) || (operation !== ARP_REQUEST && operation !== ARP_REPLY)) return undefined;
	return {
		isRequest: operation === ARP_REQUEST,
		senderMac: Buffer.from(arp.subarray(8, 14)),
		sender: arp.readUInt32BE(14),
		target: arp.readUInt32BE(24),
	};
}

/** @param toMac of whom is answered; undefined asks everybody */
export function arpFrame(
	fromMac: Buffer,
	source: number,
	target: number,
	toMac: Buffer | undefined = undefined,
): Buffer {
	const frame = Buffer.alloc(ETHERNET_BYTES + ARP_BYTES);
	frame.fill(0xff, 0, 6);
	toMac?.copy(frame, 0);
	fromMac.copy(frame, 6);
	frame.writeUInt16BE(TYPE_ARP, 12);
	ARP_HEAD.copy(frame, ETHERNET_BYTES);
	frame.writeUInt16BE(toMac === undefined ? ARP_REQUEST : ARP_REPLY, ETHERNET_BYTES + 6);
	fromMac.copy(frame, ETHERNET_BYTES + 8);
	frame.writeUInt32BE(source, ETHERNET_BYTES + 14);
	toMac?.copy(frame, ETHERNET_BYTES + 18);
	frame.writeUInt32BE(target, ETHERNET_BYTES + 24);
	return frame;
}

/** Fragments are not put together. */
export function parsePacket(frame: Buffer): Packet | undefined {
	if (frame.length < ETHERNET_BYTES + IPV4_BYTES || frame.readUInt16BE(12) !== TYPE_IPV4) return undefined;
	return packetIn(frame.subarray(ETHERNET_BYTES));
}

function packetIn(ip: Buffer): Packet | undefined {
	const first = ip[0] ?? 0;
	const header = (first & 0x0f) * 4;
	const length = ip.readUInt16BE(2);
	// A short frame is filled up to its least length: what counts is what the packet says of itself.
	if (first >> 4 !== 4 || header < IPV4_BYTES || length < header || length > ip.length) return undefined;
	if ((ip.readUInt16BE(6) & 0x3fff) !== 0 || checksum(ip.subarray(0, header)) !== 0) return undefined;
	return {
		source: ip.readUInt32BE(12),
		destination: ip.readUInt32BE(16),
		protocol: ip[9] ?? 0,
		payload: ip.subarray(header, length),
	};
}

/** @param header virtio's, where the frame came with one */
export function parseSegment({ source, destination, payload }: Packet, header?: Buffer): TcpSegment | undefined {
	if (payload.length < TCP_BYTES) return undefined;
	const begin = ((payload[12] ?? 0) >> 4) * 4;
	if (begin < TCP_BYTES || begin > payload.length) return undefined;
	const isChecked = ((header?.[0] ?? 0) & NEEDS_CHECKSUM) === 0;
	if (isChecked && checksum(Buffer.concat([pseudoHeader(source, destination, payload.length), payload])) !== 0) {
		return undefined;
	}
	const mss = mssIn(payload.subarray(TCP_BYTES, begin));
	return {
		sourcePort: payload.readUInt16BE(0),
		destinationPort: payload.readUInt16BE(2),
		sequence: payload.readUInt32BE(4),
		acknowledgement: payload.readUInt32BE(8),
		flags: payload[13] ?? 0,
		window: payload.readUInt16BE(14),
		...(mss === undefined ? {} : { mss }),
		payload: payload.subarray(begin),
	};
}

function mssIn(options: Buffer): number | undefined {
	for (let at = 0; at < options.length; ) {
		const kind = options[at];
		if (kind === OPTION_END) return undefined;
		if (kind === OPTION_NONE) {
			at++;
			continue;
		}
		const length = options[at + 1] ?? 0;
		if (length < 2 || at + length > options.length) return undefined;
		if (kind === OPTION_MSS && length === 4) return options.readUInt16BE(at + 2);
		at += length;
	}
	return undefined;
}

export function segmentFrame({ fromMac, toMac, source, destination }: Ends, segment: TcpSegment): Buffer {
	const { mss, payload } = segment;
	const begin = TCP_BYTES + (mss === undefined ? 0 : 4);
	const tcp = Buffer.alloc(begin + payload.length);
	tcp.writeUInt16BE(segment.sourcePort, 0);
	tcp.writeUInt16BE(segment.destinationPort, 2);
	tcp.writeUInt32BE(segment.sequence, 4);
	tcp.writeUInt32BE(segment.acknowledgement, 8);
	tcp[12] = (begin / 4) << 4;
	tcp[13] = segment.flags;
	tcp.writeUInt16BE(segment.window, 14);
	if (mss !== undefined) tcp.set([OPTION_MSS, 4, mss >> 8, mss & 0xff], TCP_BYTES);
	payload.copy(tcp, begin);
	tcp.writeUInt16BE(checksum(Buffer.concat([pseudoHeader(source, destination, tcp.length), tcp])), 16);
	const head = Buffer.alloc(ETHERNET_BYTES + IPV4_BYTES);
	toMac.copy(head, 0);
	fromMac.copy(head, 6);
	head.writeUInt16BE(TYPE_IPV4, 12);
	const ip = head.subarray(ETHERNET_BYTES);
	ip[0] = 0x45;
	ip.writeUInt16BE(IPV4_BYTES + tcp.length, 2);
	ip.writeUInt16BE(NO_FRAGMENTS, 6);
	ip[8] = TIME_TO_LIVE;
	ip[9] = PROTOCOL_TCP;
	ip.writeUInt32BE(source, 12);
	ip.writeUInt32BE(destination, 16);
	ip.writeUInt16BE(checksum(ip), 10);
	return Buffer.concat([head, tcp]);
}

/** That a packet could not be brought to where it should: its code, and whose connection it was about. */
export interface Unreachable {
	readonly code: number;
	readonly destination: number;
	readonly sourcePort: number;
	readonly destinationPort: number;
}

export function parseUnreachable({ payload }: Packet): Unreachable | undefined {
	const quoted = payload.subarray(8);
	if (payload[0] !== ICMP_UNREACHABLE || quoted.length < IPV4_BYTES + 8 || checksum(payload) !== 0) return undefined;
	const begin = ((quoted[0] ?? 0) & 0x0f) * 4;
	if (begin < IPV4_BYTES || quoted.length < begin + 8 || quoted[9] !== PROTOCOL_TCP) return undefined;
	return {
		code: payload[1] ?? 0,
		destination: quoted.readUInt32BE(16),
		sourcePort: quoted.readUInt16BE(begin),
		destinationPort: quoted.readUInt16BE(begin + 2),
	};
}

function pseudoHeader(source: number, destination: number, length: number): Buffer {
	const header = Buffer.alloc(12);
	header.writeUInt32BE(source, 0);
	header.writeUInt32BE(destination, 4);
	header[9] = PROTOCOL_TCP;
	header.writeUInt16BE(length, 10);
	return header;
}
