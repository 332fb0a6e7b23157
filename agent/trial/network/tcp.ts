/**
 * One TCP connection from our side (RFC 9293), as a stream: for a request and its answer over a wire that loses, delays and bends
 * frames. What was not acknowledged is sent again as RFC 6298 has it, with Linux's bounds, so that loss takes a probe as long as it
 * would take a client. There is no congestion control, and no options but the segment size: a few segments are on their way at most.
 *
 * What the other side sends is not trusted: what waits to be read, or for what is missing before it, is within the window.
 */
import { Duplex } from "node:stream";
import { UmbraError } from "../../../common/errors.ts";
import { ACK, FIN, PSH, RST, SYN, type TcpSegment } from "./packets.ts";

/** Bytes that we take without having read them: the most that there is without an option. */
const WINDOW = 65_535;
/** What an Ethernet frame holds. */
export const MSS = 1460;
/** Where the other side does not say (RFC 9293, 3.7.1); and what it may say, so that it cannot have us send crumbs. */
const DEFAULT_MSS = 536;
const MIN_MSS = 64;
/** RFC 6298, and TCP_RTO_MIN and TCP_RTO_MAX of Linux. */
const FIRST_TIMEOUT_MS = 1000;
const MIN_TIMEOUT_MS = 200;
const MAX_TIMEOUT_MS = 120_000;
const GRANULARITY_MS = 4;
const MAX_OUT_OF_ORDER = 64;

export interface TcpOptions {
	readonly localPort: number;
	readonly remotePort: number;
	/** 32 bits. */
	readonly sequence: number;
	readonly send: (segment: TcpSegment) => void;
	/** Nothing more is sent, and nothing is to come. */
	readonly ended: () => void;
}

/** Emits "connect" as node's sockets do. Errors are UmbraError `unavailable`. */
export class TcpConnection extends Duplex {
	readonly #options: TcpOptions;
	#state: "asking" | "open" | "over" = "asking";
	/** Sent and not acknowledged begins here; what was never sent at `#next`; both of the other side's counting. */
	#unacknowledged: number;
	#next: number;
	#outgoing: Buffer = Buffer.alloc(0);
	#written: (() => void) | undefined;
	#finished: (() => void) | undefined;
	#finSent = false;
	#peerWindow = 0;
	#mss = DEFAULT_MSS;
	/** What comes next of what the other side sends. */
	#expected = 0;
	#told = WINDOW;
	#peerFin = false;
	readonly #early = new Map<number, TcpSegment>();
	#timer: NodeJS.Timeout | undefined;
	#timeoutMs = FIRST_TIMEOUT_MS;
	#smoothMs: number | undefined;
	#varianceMs = 0;
	/** One segment at a time is timed; none that was sent twice (Karn). */
	#timed: { readonly end: number; readonly at: number } | undefined;
	#retransmissions = 0;

	constructor(options: TcpOptions) {
		super({ readableHighWaterMark: WINDOW, allowHalfOpen: true });
		this.#options = options;
		this.#unacknowledged = options.sequence;
		this.#next = add(options.sequence, 1);
		this.#timed = { end: this.#next, at: performance.now() };
		this.#send(SYN, { sequence: options.sequence, mss: MSS });
		this.#arm();
	}

	get isConnected(): boolean {
		return this.#state === "open";
	}

	/** How often something had to be sent again. */
	get retransmissions(): number {
		return this.#retransmissions;
	}

	/** @internal The endpoint brings what is for this connection. */
	receive(segment: TcpSegment): void {
		if (this.#state === "over") return;
		if (this.#state === "asking") this.#receiveAnswer(segment);
		else this.#receiveMore(segment);
	}

	/** @internal Somebody on the way says that it will not come to be. */
	unreachable(why: string): void {
		// Once it is open that says nothing (RFC 1122, 4.2.3.9).
		if (this.#state === "asking") this.#fail(why);
	}

	#receiveAnswer(segment: TcpSegment): void {
		const { flags, acknowledgement, sequence, window, mss = DEFAULT_MSS } = segment;
		if ((flags & ACK) === 0 || acknowledgement !== this.#next) return;
		if ((flags & RST) !== 0) {
			this.#fail("the connection is refused");
			return;
		}
		if ((flags & SYN) === 0) return;
		this.#state = "open";
		this.#mss = Math.max(MIN_MSS, Math.min(MSS, mss));
		this.#peerWindow = window;
		this.#expected = add(sequence, 1);
		this.#acknowledged(acknowledgement);
		this.#acknowledge();
		this.emit("connect");
		this.#pump();
	}

	#receiveMore(segment: TcpSegment): void {
		const { flags, sequence, acknowledgement, window, payload } = segment;
		if ((flags & RST) !== 0) {
			if (distance(this.#expected, sequence) >= 0 && distance(this.#expected, sequence) <= WINDOW) {
				this.#fail("the connection is reset");
			}
			return;
		}
		// What we acknowledged got lost.
		if ((flags & SYN) !== 0 || (flags & ACK) === 0) {
			this.#acknowledge();
			return;
		}
		if (distance(this.#next, acknowledgement) > 0) return;
		this.#peerWindow = window;
		if (distance(this.#unacknowledged, acknowledgement) > 0) this.#acknowledged(acknowledgement);
		if (payload.length > 0 || (flags & FIN) !== 0) {
			this.#take(segment);
			this.#acknowledge();
		}
		this.#pump();
		this.#endIfOver();
	}

	#acknowledged(acknowledgement: number): void {
		const isSyn = this.#unacknowledged === this.#options.sequence;
		const bytes = distance(this.#unacknowledged, acknowledgement) - (isSyn ? 1 : 0);
		// The FIN counts as one, behind all bytes.
		this.#outgoing = this.#outgoing.subarray(Math.min(bytes, this.#outgoing.length));
		this.#unacknowledged = acknowledgement;
		if (this.#timed !== undefined && distance(this.#timed.end, acknowledgement) >= 0) {
			this.#measured(performance.now() - this.#timed.at);
			this.#timed = undefined;
		}
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (this.#unacknowledged !== this.#next) this.#arm();
		if (this.#outgoing.length === 0) {
			const written = this.#written;
			this.#written = undefined;
			written?.();
		}
	}

	/** RFC 6298, 2. */
	#measured(ms: number): void {
		if (this.#smoothMs === undefined) {
			this.#smoothMs = ms;
			this.#varianceMs = ms / 2;
		} else {
			this.#varianceMs = 0.75 * this.#varianceMs + 0.25 * Math.abs(this.#smoothMs - ms);
			this.#smoothMs = 0.875 * this.#smoothMs + 0.125 * ms;
		}
		const timeout = this.#smoothMs + Math.max(GRANULARITY_MS, 4 * this.#varianceMs);
		this.#timeoutMs = Math.min(MAX_TIMEOUT_MS, Math.max(MIN_TIMEOUT_MS, timeout));
	}

	/** In order to the reader; what comes before its time waits. */
	#take(segment: TcpSegment): void {
		const ahead = distance(this.#expected, segment.sequence);
		if (ahead <= 0 || (ahead < WINDOW && this.#early.size < MAX_OUT_OF_ORDER)) {
			const known = this.#early.get(segment.sequence);
			if (known === undefined || known.payload.length <= segment.payload.length) {
				this.#early.set(segment.sequence, segment);
			}
		}
		for (let isMore = true; isMore && !this.#peerFin; ) {
			isMore = false;
			for (const [sequence, early] of this.#early) {
				const late = distance(sequence, this.#expected);
				if (late < 0) continue;
				this.#early.delete(sequence);
				isMore = this.#takeNext(early, late) || isMore;
			}
		}
	}

	/** @returns true where it brought something new. */
	#takeNext({ payload, flags }: TcpSegment, late: number): boolean {
		const isFin = (flags & FIN) !== 0;
		if (late > payload.length || (late === payload.length && !isFin)) return false;
		const room = Math.max(0, WINDOW - this.readableLength);
		const fresh = payload.subarray(late, late + room);
		if (fresh.length > 0) this.push(Buffer.from(fresh));
		this.#expected = add(this.#expected, fresh.length);
		if (isFin && late + fresh.length === payload.length) {
			this.#peerFin = true;
			this.#expected = add(this.#expected, 1);
			this.#early.clear();
			this.push(null);
		}
		return true;
	}

	/** Sends what the other side has room for. */
	#pump(): void {
		if (this.#state !== "open") return;
		for (;;) {
			const sent = distance(this.#unacknowledged, this.#next);
			// A probe of a window that is shut is sent when the timer rings.
			const length = Math.min(this.#mss, this.#peerWindow - sent, this.#outgoing.length - sent);
			if (length <= 0) break;
			this.#timed ??= { end: add(this.#next, length), at: performance.now() };
			this.#send(ACK | PSH, { sequence: this.#next, payload: this.#outgoing.subarray(sent, sent + length) });
			this.#next = add(this.#next, length);
		}
		const sent = distance(this.#unacknowledged, this.#next);
		if (this.#finished !== undefined && !this.#finSent && sent === this.#outgoing.length) {
			this.#finSent = true;
			this.#send(FIN | ACK, { sequence: this.#next });
			this.#next = add(this.#next, 1);
		}
		if (this.#unacknowledged !== this.#next || this.#outgoing.length > 0) this.#arm();
	}

	#arm(): void {
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			this.#sendAgain();
		}, this.#timeoutMs);
	}

	/** The oldest that was not acknowledged; nothing else until it is. */
	#sendAgain(): void {
		this.#timed = undefined;
		this.#timeoutMs = Math.min(MAX_TIMEOUT_MS, this.#timeoutMs * 2);
		this.#retransmissions++;
		if (this.#state === "asking") this.#send(SYN, { sequence: this.#options.sequence, mss: MSS });
		else if (this.#outgoing.length > 0) {
			const payload = this.#outgoing.subarray(0, this.#peerWindow === 0 ? 1 : this.#mss);
			this.#send(ACK | PSH, { sequence: this.#unacknowledged, payload });
			// A probe of a shut window is the first that is sent of its bytes.
			const end = add(this.#unacknowledged, payload.length);
			if (distance(this.#next, end) > 0) this.#next = end;
		} else this.#send(FIN | ACK, { sequence: this.#unacknowledged });
		this.#arm();
	}

	#acknowledge(): void {
		this.#send(ACK, { sequence: this.#next });
	}

	#send(flags: number, { sequence, payload = Buffer.alloc(0), mss }: Partial<TcpSegment> & { sequence: number }): void {
		const { localPort, remotePort, send } = this.#options;
		const hasAcknowledgement = (flags & ACK) !== 0;
		this.#told = Math.max(0, WINDOW - this.readableLength);
		send({
			sourcePort: localPort,
			destinationPort: remotePort,
			sequence,
			acknowledgement: hasAcknowledgement ? this.#expected : 0,
			flags,
			window: this.#told,
			...(mss === undefined ? {} : { mss }),
			payload,
		});
	}

	#fail(why: string): void {
		this.#close();
		this.destroy(new UmbraError("unavailable", why));
	}

	/** Both sides have said all, and know it of each other. */
	#endIfOver(): void {
		if (!this.#finSent || this.#unacknowledged !== this.#next) return;
		const finished = this.#finished;
		this.#finished = undefined;
		finished?.();
		if (this.#peerFin) this.#close();
	}

	#close(): void {
		if (this.#state === "over") return;
		this.#state = "over";
		clearTimeout(this.#timer);
		this.#options.ended();
	}

	override _read(): void {
		if (this.#told >= MSS) return;
		// It was told that there is no room, and there is again once this read is done.
		process.nextTick(() => {
			if (this.#state === "open" && !this.#peerFin && WINDOW - this.readableLength >= MSS) this.#acknowledge();
		});
	}

	override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
		this.#outgoing = Buffer.concat([this.#outgoing, chunk]);
		this.#written = callback;
		this.#pump();
	}

	override _final(callback: () => void): void {
		this.#finished = callback;
		this.#pump();
	}

	override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
		if (this.#state === "open") this.#send(RST | ACK, { sequence: this.#next });
		this.#close();
		callback(error);
	}
}

/** Sequence numbers count modulo 2^32. */
function add(sequence: number, length: number): number {
	return (sequence + length) >>> 0;
}

/** From one to another; negative where it lies before. */
function distance(from: number, to: number): number {
	return (to - from) | 0;
}
