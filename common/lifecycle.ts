/** Starting and stopping long-running programs. */
import { execFile } from "node:child_process";

/** An abort signal for SIGTERM and SIGINT; a second one of either ends the process at once. */
export function stopSignal(): AbortSignal {
	const controller = new AbortController();
	for (const name of ["SIGTERM", "SIGINT"] as const) {
		process.on(name, () => {
			if (controller.signal.aborted) process.exit(130);
			controller.abort();
		});
	}
	return controller.signal;
}

/**
 * Tells systemd that the program is up, then waits until it is told to stop or one of its parts dies.
 *
 * @throws whatever `finished` rejects with.
 */
export async function untilStopped(finished: Promise<void>, signal: AbortSignal): Promise<void> {
	notifySystemd("READY=1");
	const stopped = new Promise<void>((resolve) => {
		if (signal.aborted) resolve();
		signal.addEventListener("abort", () => resolve(), { once: true });
	});
	await Promise.race([finished, stopped]);
	notifySystemd("STOPPING=1");
}

/** Node cannot send the datagram that systemd wants; the tool that comes with systemd can. */
function notifySystemd(state: string): void {
	if (process.env["NOTIFY_SOCKET"] === undefined) return;
	execFile("systemd-notify", [`--pid=${process.pid}`, state], () => {});
}
