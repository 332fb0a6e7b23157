/** What of a failure's text is the same every time. */

const MAX_TITLE = 120;

/** Addresses, numbers and processors gone, one line of printable characters, at most 120. */
export function normalise(text: string): string {
	return clip(
		text
			.replace(/\b0x[0-9a-f]+\b/gi, "ADDR")
			.replace(/\b(?=[a-f]{0,15}\d)[0-9a-f]{8,32}\b/gi, "ADDR")
			.replace(/\b\d+(?:\.\d+)?(?![\w])/g, "NUM")
			.replace(/\bcpus?[ #:]{0,3}NUM\b/gi, "CPU")
			.replace(/\bpid[ :=]{0,3}NUM\b/gi, "pid"),
	);
}

/** @returns at most 120 characters. */
export function clip(text: string): string {
	const line = text.replace(/[^\x20-\x7e\u00a0-\uffff]+|\s+/g, " ").trim();
	return line.length <= MAX_TITLE ? line : line.slice(0, MAX_TITLE).trimEnd();
}

/** A task's name without what numbers it: "kworker/0:1H+flush" is "kworker", "worker-17" is "worker-NUM". */
export function taskName(comm: string): string {
	const [name = ""] =
		/^(?:kworker|swapper|ksoftirqd|migration|cpuhp|rcu\w*|watchdog|jbd2|kcompactd\d*|kswapd\d*|scsi_eh\w*)(?=[/_\d]|$)/.exec(
			comm,
		) ?? [];
	return clip((name === "" ? comm : name).replace(/\d+/g, "NUM"));
}

/** "a:b:17" -> "a:b" and "17": names of tasks hold colons. */
export function splitTask(task: string): { readonly comm: string; readonly pid: string } {
	const at = task.lastIndexOf(":");
	return at < 0 ? { comm: task, pid: "" } : { comm: task.slice(0, at), pid: task.slice(at + 1) };
}

/** The disk of a partition: "vda1" is of "vda", "nvme0n1p2" of "nvme0n1"; others are themselves. */
export function diskName(device: string): string {
	const partition =
		/^((?:[sv]|xv|h)d[a-z]{1,3})\d{1,3}(?:-\d{1,4})?$/.exec(device) ??
		/^(nvme\d{1,3}n\d{1,3})p\d{1,3}(?:-\d{1,4})?$/.exec(device);
	return clip((partition?.[1] ?? device).replace(/-8$/, ""));
}

/** "ext4_find_entry.isra.0+0x12/0x34 [ext4]" -> "ext4_find_entry". */
export function functionName(symbol: string): string {
	return clip(/^[\w$]*/.exec(symbol)?.[0] ?? "");
}
