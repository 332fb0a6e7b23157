/** How much of what changes on a guest's disk in an ordinary day is told by name. */

import { vmPath } from "../../cli/collector-client.ts";
import type { ChangesetRecord } from "../../collector/catalog/records.ts";
import { bootGuest, makeDisk } from "../support/guest.ts";
import { Site } from "../support/site.ts";
import { until } from "../support/wait.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { number } from "./measure.ts";

const GIB = 2 ** 30;
const HOURS = 24;
const SHARE = 0.99;

export const dayBench: Bench = { name: "day", programs: [], run };

type Attribution = ChangesetRecord["disks"][number]["attribution"];

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	await using stack = new AsyncDisposableStack();
	const disk = await makeDisk(folder.file("day.qcow2"), { sizeBytes: 2 * GIB, format: "qcow2", table: "gpt", seed: 3 });
	const guest = stack.use(
		await bootGuest({ folder: folder.file("day"), disks: [{ path: disk.path, format: "qcow2" }] }),
	);
	const site = stack.use(await Site.start({ folder: folder.path, sockets: [guest.qmpSocket], agent: { log: "warn" } }));
	await inGuest(MORNING);
	await capture();
	say(`${HOURS} hours of a guest's day, a capture after each`);
	const sum: Record<keyof Attribution, number> = {
		total: 0,
		file: 0,
		directory: 0,
		journal: 0,
		metadata: 0,
		free: 0,
		unknown: 0,
	};
	let files = 0;
	for (let hour = 0; hour < HOURS; hour++) {
		await inGuest(hourOfWork(hour));
		const changeset = await capture();
		files += changeset.fileCount;
		for (const { attribution } of changeset.disks) {
			for (const part of Object.keys(sum) as (keyof Attribution)[]) sum[part] += attribution[part];
		}
	}
	const share = (...parts: (keyof Attribution)[]): number =>
		parts.reduce((bytes, part) => bytes + sum[part], 0) / sum.total;
	const percent = (value: number): string => `${number(value * 100)} %`;
	const parts = (["file", "directory", "journal", "metadata", "free", "unknown"] as const)
		.map((part) => `${part} ${percent(share(part))}`)
		.join(", ");
	const attributed = 1 - share("unknown");
	const content = share("file", "directory") / share("file", "directory", "free", "unknown");
	const setting = `A running Linux guest with ext4 in a GPT partition of a qcow2 disk, captured after each of ${HOURS} hours' worth of work (${number(sum.total / 2 ** 20)} MiB of changed pages, ${number(files)} file changes): logs that grow and are rotated, a database that rewrites pages and its write-ahead log, documents saved over themselves by renaming, mail that comes and goes, temporary files that are gone before the capture, a package installed and one removed`;
	return [
		{
			figure: "changed bytes of a guest's day that are attributed",
			target: `>= ${SHARE * 100} %`,
			measured: `${percent(attributed)} (${parts})`,
			met: attributed >= SHARE,
			how: `${setting}. Every changed page is a file's or a directory's, by path, or named as the filesystem's journal, its metadata or free space (temporary files that came and went between two captures); what is none of these is unknown.`,
		},
		{
			figure: "of the changed contents of that day, with the file's path",
			target: "-",
			measured: percent(content),
			met: undefined,
			how: "Journal and metadata left out: what files and directories take of the rest. What is missing was written and deleted between two captures.",
		},
	];

	async function inGuest(script: string): Promise<void> {
		const { code, output } = await guest.run(`cd /mnt && ${script}\nsync`);
		if (code !== 0) throw new Error(`the guest could not do its work: ${output}`);
	}

	async function capture(): Promise<ChangesetRecord> {
		const { changesetId } = await site.client.post<{ changesetId: string }>(vmPath("day", "capture"));
		return await until(async () => (await site.changes("day")).find(({ id }) => id === changesetId), {
			what: `changeset ${changesetId} in the catalog`,
		});
	}
}

/** What is there when the day begins: a database of 32 MiB, mail, logs. */
const MORNING = `{
mkdir -p srv/db var/log var/mail/new var/mail/cur tmp usr/share/old var/lib/packages home/alice/documents
dd if=/dev/urandom of=srv/db/data bs=1M count=32 2>/dev/null
dd if=/dev/zero of=srv/db/wal bs=1M count=4 2>/dev/null
i=0; while [ $i -lt 200 ]; do echo "old file $i of a package" > usr/share/old/$i; i=$((i + 1)); done
}`;

function hourOfWork(hour: number): string {
	const busy = hour >= 8 && hour < 18;
	const requests = busy ? 400 : 60;
	const pages = busy ? 40 : 6;
	return `{
h=${hour}
yes "2026-01-05T$h:00:00Z web[512]: GET /orders/4711 200 12ms 10.0.0.17 Mozilla/5.0" | head -n ${requests * 5} >> var/log/access.log
yes "2026-01-05T$h:00:00Z office systemd[1]: Started session." | head -n ${requests} >> var/log/syslog
i=0; while [ $i -lt ${pages} ]; do
  dd if=/dev/urandom of=srv/db/data bs=8192 count=1 seek=$(( (h * 7919 + i * 613) % 4096 )) conv=notrunc 2>/dev/null
  i=$((i + 1))
done
dd if=/dev/urandom of=srv/db/wal bs=8192 count=${pages} conv=notrunc 2>/dev/null
i=0; while [ $i -lt ${busy ? 8 : 1} ]; do
  dd if=/dev/urandom of=home/alice/documents/.save bs=1k count=$((20 + i * 5)) 2>/dev/null
  mv home/alice/documents/.save home/alice/documents/report-$i.odt
  echo "mail of hour $h: the figures are attached" > var/mail/new/$h-$i
  dd if=/dev/urandom of=tmp/work-$i bs=1k count=16 2>/dev/null
  i=$((i + 1))
done
sync
rm -f tmp/work-*
mv var/mail/new/* var/mail/cur/
${hour === 6 ? "gzip -c var/log/access.log > var/log/access.log.1.gz && : > var/log/access.log" : ""}
${hour === 10 ? `mkdir -p usr/share/new && i=0 && while [ $i -lt 200 ]; do yes "a file of the package $i" | head -n $((1 + i)) > usr/share/new/$i; i=$((i + 1)); done; echo new >> var/lib/packages/status` : ""}
${hour === 15 ? `rm -r usr/share/old && echo removed >> var/lib/packages/status` : ""}
${hour === 20 ? "rm -f var/mail/cur/9-* var/mail/cur/10-*" : ""}
true; }`;
}
