/** What happens in the demo's guest: shell scripts that busybox runs, in the folder where the disk is mounted. */

export interface Incident {
	/** For the closing table. */
	readonly title: string;
	readonly story: string;
	readonly script: string;
	/** The alert that has to come of it. */
	readonly cause: string;
}

/** A round of ordinary work: logs grow a little, somebody edits a document, the database writes. */
export function ordinaryWork(round: number): string {
	const user = ["alice", "bob", "carol"][round % 3];
	return `
n=${round}
i=0; while [ $i -lt $((20 + n % 7)) ]; do
  echo "2026-01-05T09:$((10 + n)):00Z office orders[512]: GET /orders/$((n * 37 + i)) 200 $((i % 90))ms" >> var/log/app.log
  i=$((i + 1))
done
echo "2026-01-05T09:$((10 + n)):30Z office systemd[1]: Started session $n of ${user}." >> var/log/syslog
f=$(ls home/${user}/documents/*.txt home/${user}/documents/*.md home/${user}/documents/*.csv 2>/dev/null | head -n $((1 + n % 4)) | tail -n 1)
[ -n "$f" ] && echo "Round $n: the figures were checked and the minutes amended." >> "$f"
dd if=srv/db/orders.tbl of=srv/db/orders.tbl bs=128 skip=$((n * 11)) seek=$((n * 29)) count=24 conv=notrunc 2>/dev/null
[ $((n % 5)) -eq 4 ] && echo "Notes of round $n for the next meeting." > home/${user}/documents/notes-$n.txt
true`;
}

export const INCIDENTS: readonly Incident[] = [
	{
		title: "a log ran wild",
		story: "the order service has lost its database and says so ten thousand times a second",
		cause: "log-growth",
		script: `yes "2026-01-05T17:02:11Z office orders[512]: ERROR connection to database refused, retrying at once (errno 111)" | head -c 16000000 >> var/log/app.log`,
	},
	{
		title: "a back door was put in",
		story: "an intruder gives himself an account with root's number and a key to log in with",
		cause: "critical-file",
		script: `echo 'toor:x:0:0:maintenance:/root:/bin/sh' >> etc/passwd
mkdir -p root/.ssh
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbackdoorbackdoorbackdoorbackdoorbackdoor x@y' >> root/.ssh/authorized_keys`,
	},
	{
		title: "documents were encrypted",
		story: "ransomware: every document of alice and bob becomes noise under a new name",
		cause: "mass-rewrite",
		script: `for f in home/alice/documents/* home/bob/documents/*; do
  s=$(stat -c %s "$f")
  dd if=/dev/urandom of="$f" bs="$s" count=1 conv=notrunc 2>/dev/null
  mv "$f" "$f.locked"
done
echo "Your files are safe with us. Write to the address you will find nowhere." > home/alice/READ_ME.txt`,
	},
];
