/** Disks, network interfaces and mounts: Documentation/admin-guide/iostats.rst, proc_pid_net(5), proc_pid_mountinfo(5). */

/** The unit of /proc/diskstats, whatever the disk's own sectors are. */
const SECTOR = 512;

export interface DiskStat {
	readonly name: string;
	readonly reads: number;
	readonly readBytes: number;
	readonly readMs: number;
	readonly writes: number;
	readonly writtenBytes: number;
	readonly writeMs: number;
	/** Requests under way. */
	readonly inFlight: number;
	/** Time in which a request was under way. */
	readonly busyMs: number;
}

/** /proc/diskstats: every block device, partitions included. */
export function parseDiskStats(text: string): DiskStat[] {
	return text.split("\n").flatMap((line) => {
		const fields = line.trim().split(/ +/);
		const name = fields[2];
		if (name === undefined || fields.length < 14) return [];
		const at = (index: number): number => Number(fields[index]);
		return [
			{
				name,
				...{ reads: at(3), readBytes: at(5) * SECTOR, readMs: at(6) },
				...{ writes: at(7), writtenBytes: at(9) * SECTOR, writeMs: at(10) },
				...{ inFlight: at(11), busyMs: at(12) },
			},
		];
	});
}

/** As the host sees it: what it received on the interface. Of a VM's tap device that is what the VM sent. */
export interface NicStat {
	readonly rxBytes: number;
	readonly rxPackets: number;
	readonly rxErrors: number;
	readonly rxDropped: number;
	readonly txBytes: number;
	readonly txPackets: number;
	readonly txErrors: number;
	readonly txDropped: number;
}

/** /proc/net/dev: every interface of the network namespace, by name. */
export function parseNetDev(text: string): Map<string, NicStat> {
	const nics = new Map<string, NicStat>();
	for (const line of text.split("\n")) {
		const colon = line.lastIndexOf(":");
		const fields = line
			.slice(colon + 1)
			.trim()
			.split(/ +/);
		if (colon < 0 || fields.length < 16) continue;
		const at = (index: number): number => Number(fields[index]);
		nics.set(line.slice(0, colon).trim(), {
			...{ rxBytes: at(0), rxPackets: at(1), rxErrors: at(2), rxDropped: at(3) },
			...{ txBytes: at(8), txPackets: at(9), txErrors: at(10), txDropped: at(11) },
		});
	}
	return nics;
}

export interface Mount {
	/** Where it is mounted. */
	readonly path: string;
	/** What of the filesystem is mounted there: "/", or a folder of it (a bind mount, a subvolume). */
	readonly root: string;
	readonly type: string;
	/** The device, or whatever the filesystem calls its source. */
	readonly source: string;
}

/** /proc/PID/mountinfo: "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw,errors=continue". */
export function parseMountInfo(text: string): Mount[] {
	return text.split("\n").flatMap((line) => {
		const [before = "", after] = line.split(" - ", 2);
		const [, , , root, path] = before.split(" ");
		const [type, source] = after?.split(" ") ?? [];
		if (root === undefined || path === undefined || type === undefined || source === undefined) return [];
		return [{ path: plainPath(path), root: plainPath(root), type, source: plainPath(source) }];
	});
}

/** Spaces and their kin stand as three octal digits. */
function plainPath(text: string): string {
	return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
