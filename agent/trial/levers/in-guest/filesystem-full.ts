/**
 * `filesystem-full`: a file that takes what is free, up to so many percent of what `df` says that users may have. What the filesystem
 * keeps for root stays free, as it does where users fill it.
 */
import { randomBytes } from "node:crypto";
import { UmbraError } from "../../../../common/errors.ts";
import type { LeverValues } from "../../../../common/trial/schedule.ts";
import type { Lever, LeverMove, LeverTarget } from "../lever.ts";
import { GuestShell, numbersIn } from "./shell.ts";

/** Where space cannot be reserved it has to be written, and a clone has room for so much at most. */
const MAX_WRITTEN_KIB = 1024 * 1024;
/** What others in the guest free and take between filling and looking; of small filesystems, the filesystem's own. */
const TOLERANCE = { percent: 1, kib: 256 };

/** `measure PATH` sets $used and $free, in KiB, as users have it. Names of devices and folders may hold spaces. */
const MEASURE = `
measure() {
	set -- $(df -P -k "$1" | sed -n '$s/.* \\([0-9][0-9]*\\)  *\\([0-9][0-9]*\\)  *[0-9][0-9]*% .*/\\1 \\2/p')
	used=\${1:-} free=\${2:-}
	[ -n "$free" ] || failed "df does not tell how full the filesystem is"
}
`;

/** $1: folder, $2: thousandths of a percent, $3: the file, $4: at most so many KiB by writing. Tells what was used before, and what is. */
const FILL = `${MEASURE}
[ -d "$1" ] || bad "the guest has no folder $1"
measure "$1"
before=$used
goal=$(((used + free) * $2 / 100000))
umask 077
true >"$3" || failed "no file can be made in $1"
size=0 round=0
while [ $round -lt 8 ]; do
	round=$((round + 1))
	measure "$1"
	lacks=$((goal - used))
	[ $lacks -gt 0 ] || break
	# Its own records may need some of what is free: less is tried then, and the rest in the next rounds.
	until fallocate -o $((size * 1024)) -l $((lacks * 1024)) "$3" 2>/dev/null; do
		[ $lacks -ge 64 ] || break 2
		[ $size -eq 0 ] && [ $lacks -le $((goal / 32)) ] && break 2
		lacks=$((lacks - lacks / 8 - 1))
	done
	size=$((size + lacks))
done
measure "$1"
lacks=$((goal - used))
if [ $size -eq 0 ] && [ $lacks -gt 0 ]; then
	[ $lacks -le "$4" ] || unsupported "space cannot be reserved there, and $lacks KiB are too much to be written"
	dd if=/dev/zero of="$3" bs=1024k count=$((lacks / 1024)) 2>/dev/null
	dd if=/dev/zero of="$3" bs=1k seek=$((lacks / 1024 * 1024)) count=$((lacks % 1024)) conv=notrunc 2>/dev/null
	sync
	measure "$1"
fi
# What the records of the file itself took was not in the reckoning.
if [ $size -gt 0 ] && [ "$used" -gt $goal ]; then
	size=$((size - (used - goal + 3) / 4 * 4))
	dd if=/dev/null of="$3" bs=1024 seek=$((size > 0 ? size : 0)) count=0 2>/dev/null
	measure "$1"
fi
echo "$before $used $((used + free))"
`;

const LOOK = `${MEASURE}
measure "$1"
echo "$used $((used + free))"
`;

const REMOVE = `
rm -f -- "$1"
[ ! -e "$1" ] || failed "the file $1 cannot be removed"
`;

export class FilesystemFull implements Lever {
	readonly #target: LeverTarget;
	#shell: GuestShell | undefined;
	#filled: { readonly path: string; readonly percent: number; readonly file: string } | undefined;

	constructor(target: LeverTarget) {
		this.#target = target;
	}

	async apply({ values, signal }: LeverMove): Promise<LeverValues> {
		this.#shell ??= await GuestShell.of(this.#target.guest, signal);
		await this.revert(signal);
		const path = String(values["path"]);
		const percent = Number(values["percent"] ?? 100);
		const file = `${path.replace(/\/+$/, "")}/.umbra-${randomBytes(6).toString("hex")}`;
		this.#filled = { path, percent, file };
		const args = [path, Math.floor(percent * 1000), file, MAX_WRITTEN_KIB];
		const [[before = 0, used = 0, all = 0] = []] = numbersIn(await this.#shell.run(FILL, args, signal));
		return { file, bytes: 1024 * Math.max(0, used - before), usedPercent: Math.round((1000 * used) / all) / 10 };
	}

	async verify(signal: AbortSignal): Promise<void> {
		if (this.#filled === undefined || this.#shell === undefined) return;
		const { path, percent } = this.#filled;
		const [[used = 0, all = 0] = []] = numbersIn(await this.#shell.run(LOOK, [path], signal));
		const wanted = (all * (percent - TOLERANCE.percent)) / 100 - TOLERANCE.kib;
		if (used >= wanted) return;
		throw new UmbraError("unavailable", `of ${all} KiB at ${path} ${used} are used, not ${percent} %`);
	}

	async revert(signal: AbortSignal): Promise<void> {
		if (this.#filled === undefined || this.#shell === undefined) return;
		await this.#shell.run(REMOVE, [this.#filled.file], signal);
		this.#filled = undefined;
	}
}
