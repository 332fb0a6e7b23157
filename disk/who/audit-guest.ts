/** For tests: a real guest whose real auditd watches /data while its users work there. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { bootGuest, makeDisk } from "../../test/support/guest.ts";
import { run } from "./testing.ts";

export interface WatchedGuest {
	/** The raw image of its only disk, one ext4 filesystem, after it was switched off. */
	readonly image: string;
	/** Seconds since 1970, by its clock: before the first deed, and after the last. */
	readonly from: number;
	readonly to: number;
}

const CONFIG = `local_events = yes
write_logs = yes
log_file = /var/log/audit/audit.log
log_group = root
flush = SYNC
max_log_file = 8
num_logs = 5
name_format = NONE
max_log_file_action = ROTATE
space_left = 2
space_left_action = IGNORE
admin_space_left = 1
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
`;

const PASSWD = `root:x:0:0:root:/root:/bin/sh
alice:x:1000:1000::/home/alice:/bin/sh
bob:x:1001:1001::/home/bob:/bin/sh
`;

/** What is done, as root after alice logged in, as alice, as bob after alice logged in, and as nobody in particular. */
const DEEDS = `
cat >/root/deeds <<'END'
echo 1000 >/proc/self/loginuid
cd /data
echo root >sub/old.txt
cat keep.txt >/dev/null
mkdir -p made/deep
touch made/deep/file
mv made/deep/file made/deep/moved
rm sub/gone.txt
chmod 600 keep.txt
su alice -c 'cd /data/alice; echo more >>report.txt; echo new >"with space é.txt"; ln -s report.txt link; ln report.txt hard'
su bob -c 'echo no >/data/alice/report.txt'
truncate -s 3 /link-to-data/fixed.txt
chroot /jail /busybox sh -c 'echo inside >/etc/passwd'
END
sh /root/deeds
echo late >/data/service.txt
`;

/**
 * @param format of the log: "RAW" or "ENRICHED".
 * @param files further ones on the disk.
 */
export async function watchedGuest(
	folder: string,
	format: string,
	files: readonly { readonly path: string; readonly content: Buffer | string }[] = [],
): Promise<WatchedGuest> {
	const programs = ["/sbin/auditd", "/sbin/auditctl"];
	const linked = (await run("ldd", programs)).toString();
	const libraries = new Set([...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path!));
	const busybox = await readFile(join(import.meta.dirname, "../../.cache/guest/busybox"));
	const own = [...programs, ...libraries].map(async (path) => ({ path, content: await readFile(path), mode: 0o755 }));
	const folders = ["dev", "proc", "tmp", "root", "home", "var/run", "var/log/audit", "data/sub", "data/alice"];
	const { path: image } = await makeDisk(join(folder, "disk.raw"), {
		sizeBytes: 64 << 20,
		format: "raw",
		seed: 1,
		files: [
			...(await Promise.all(own)),
			{ path: "/bin/busybox", content: busybox, mode: 0o755 },
			{ path: "/jail/busybox", content: busybox, mode: 0o755 },
			{ path: "/jail/etc/passwd", content: "root:x:0:0::/:/bin/sh\n" },
			{ path: "/etc/passwd", content: PASSWD },
			{ path: "/etc/group", content: "root:x:0:\nalice:x:1000:\nbob:x:1001:\n" },
			{ path: "/etc/fstab", content: "/dev/vda / ext4 defaults 0 1\n" },
			{ path: "/etc/audit/auditd.conf", content: `${CONFIG}log_format = ${format}\n`, mode: 0o640 },
			...folders.map((name) => ({ path: `/${name}/.keep`, content: "" })),
			...["keep.txt", "fixed.txt", "sub/old.txt", "sub/gone.txt"].map((name) => ({
				path: `/data/${name}`,
				content: name,
			})),
			{ path: "/data/alice/report.txt", content: "report", uid: 1000, gid: 1000 },
			...files,
		],
	});
	await using guest = await bootGuest({ disks: [{ path: image, format: "raw" }], folder: join(folder, "guest") });
	const sh = async (script: string): Promise<string> => {
		const { code, output } = await guest.run(script);
		if (code !== 0) throw new Error(`${script}: ${code}: ${output}`);
		return output;
	};
	await sh(`mount -t devtmpfs dev /mnt/dev; mount -t proc proc /mnt/proc; ln -s data /mnt/link-to-data
		chroot /mnt /bin/busybox --install -s /bin; chown 1000:1000 /mnt/data/alice
		chroot /mnt /sbin/auditd -l -s enable -n >/tmp/auditd.log 2>&1 &`);
	await sh(`until chroot /mnt /sbin/auditctl -s | grep -q "^pid [1-9]"; do usleep 20000; done
		chroot /mnt /sbin/auditctl -w /data -p wa -k data; chroot /mnt /sbin/auditctl -w /jail/etc -p wa -k jail
		date +%s >/mnt/root/from`);
	await sh(`cat >/mnt/tmp/all <<'ALL'\n${DEEDS}\nALL\nchroot /mnt /bin/sh /tmp/all 2>&1 || true`);
	// An event comes record by record, of which that of the title is the last.
	await sh(`log=/mnt/var/log/audit/audit.log
		until event=$(grep service.txt $log | head -n 1 | grep -o 'audit([0-9.:]*)') && grep -qF "PROCTITLE msg=$event" $log
		do usleep 20000; done
		date +%s >/mnt/root/to; sync`);
	const [from, to] = (await sh("cat /mnt/root/from /mnt/root/to")).trim().split("\n").map(Number);
	await guest.kill();
	return { image, from: from!, to: to! + 1 };
}
