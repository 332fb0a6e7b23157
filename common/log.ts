/** Structured logs: one JSON object a line to standard error, where systemd's journal picks them up. */
import { pino } from "pino";

export type Logger = pino.Logger;

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;

export function createLogger(program: string, level: (typeof LOG_LEVELS)[number] = "info"): Logger {
	return pino(
		{ name: program, level, base: { program }, timestamp: pino.stdTimeFunctions.isoTime },
		pino.destination({ fd: 2, sync: true }),
	);
}

/** A logger that says nothing, for tests and one-shot commands. */
export function silentLogger(): Logger {
	return pino({ level: "silent" });
}
