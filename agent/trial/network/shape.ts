/** What happens to frames on their way in one direction; may be changed at any time, and counts for the next frame. */

export interface Shape {
	/** Milliseconds; 0 for none. */
	delayMs: number;
	/** As much again at random, at most; frames may overtake each other then. */
	jitterMs: number;
	/** Share of frames that are lost, 0 to 1. */
	loss: number;
	/** Share of frames of which one bit is flipped, 0 to 1. */
	corruption: number;
	/** What passes at most; 0 for as much as comes. */
	bytesPerSecond: number;
}

/** A frame as it is delivered, and when. */
export interface Shaped {
	readonly frame: Buffer;
	readonly delayMs: number;
	readonly isCorrupted: boolean;
}

export const plainShape = (): Shape => ({ delayMs: 0, jitterMs: 0, loss: 0, corruption: 0, bytesPerSecond: 0 });

/**
 * @param random 0 to 1, as `Math.random`
 * @returns undefined where the frame is lost
 */
export function shapeFrame(shape: Shape, frame: Buffer, random: () => number): Shaped | undefined {
	if (shape.loss > 0 && random() < shape.loss) return undefined;
	const isCorrupted = shape.corruption > 0 && random() < shape.corruption;
	const delayMs = shape.delayMs + (shape.jitterMs > 0 ? random() * shape.jitterMs : 0);
	if (!isCorrupted) return { frame, delayMs, isCorrupted };
	const flipped = Buffer.from(frame);
	const bit = Math.floor(random() * flipped.length * 8);
	flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
	return { frame: flipped, delayMs, isCorrupted };
}
