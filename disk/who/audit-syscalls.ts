/**
 * System calls that change files, by architecture: AUDIT_ARCH_* of `linux/audit.h`, numbers of
 * `arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h`.
 */

/** What became of a file. `write` says that it was opened for writing or resized, `touch` that it is not known what. */
export type FileAction = "create" | "delete" | "rename" | "link" | "write" | "metadata" | "touch";

const X86_64 = table(`open 2, truncate 76, ftruncate 77, rename 82, mkdir 83, rmdir 84, creat 85, link 86, unlink 87,
	symlink 88, chmod 90, fchmod 91, chown 92, fchown 93, lchown 94, utime 132, mknod 133, setxattr 188, lsetxattr 189,
	fsetxattr 190, removexattr 197, lremovexattr 198, fremovexattr 199, utimes 235, openat 257, mkdirat 258, mknodat 259,
	fchownat 260, futimesat 261, unlinkat 263, renameat 264, linkat 265, symlinkat 266, fchmodat 268, utimensat 280,
	fallocate 285, open_by_handle_at 304, renameat2 316, openat2 437, fchmodat2 452, execve 59, execveat 322`);

const AARCH64 =
	table(`setxattr 5, lsetxattr 6, fsetxattr 7, removexattr 14, lremovexattr 15, fremovexattr 16, mknodat 33,
	mkdirat 34, unlinkat 35, symlinkat 36, linkat 37, renameat 38, truncate 45, ftruncate 46, fallocate 47, fchmod 52,
	fchmodat 53, fchownat 54, fchown 55, openat 56, utimensat 88, open_by_handle_at 265, renameat2 276, openat2 437,
	fchmodat2 452, execve 221, execveat 281`);

const ARCHITECTURES = new Map<string, ReadonlyMap<number, string>>([
	["c000003e", X86_64],
	["c00000b7", AARCH64],
]);

function table(text: string): ReadonlyMap<number, string> {
	return new Map(
		text.split(",").map((call) => {
			const [name, number] = call.trim().split(" ");
			return [Number(number), name!];
		}),
	);
}

/** The call's name; empty where the architecture or the number is not known. */
export function syscallName(arch: string | undefined, number: number | undefined): string {
	return (number === undefined ? undefined : ARCHITECTURES.get(arch ?? "")?.get(number)) ?? "";
}

const O_ACCMODE = 0o3;
const O_CREAT = 0o100;
const O_TRUNC = 0o1000;
const METADATA = /^(?:l|f)?(?:chmod|chown|setxattr|removexattr)|^f(?:chmod|chown)at2?$|^(?:utime|futimesat)/;

/**
 * What a call does to a path that it names; undefined where it only reads.
 *
 * @param flags of open(2), where the call has them.
 */
export function actionOf(syscall: string, nametype: string, flags: number | undefined): FileAction | undefined {
	const renames = syscall.startsWith("rename");
	if (nametype === "DELETE") return renames ? "rename" : "delete";
	if (nametype === "CREATE") return renames ? "rename" : /^link/.test(syscall) ? "link" : "create";
	// What a symlink leads to is only text to the call.
	if (syscall.startsWith("exec") || (syscall.startsWith("symlink") && nametype !== "PARENT")) return undefined;
	if (renames) return "rename";
	if (nametype === "PARENT") return "touch";
	if (/^link/.test(syscall)) return "link";
	if (METADATA.test(syscall)) return "metadata";
	if (syscall === "creat" || syscall === "fallocate" || syscall.endsWith("truncate")) return "write";
	if (/^open(?:at|_by_handle_at)?$/.test(syscall) && flags !== undefined) {
		return (flags & O_ACCMODE) !== 0 || (flags & (O_CREAT | O_TRUNC)) !== 0 ? "write" : undefined;
	}
	return "touch";
}

/** Which arguments (`a0`, `a1`, ...) hold open(2)'s flags. */
const FLAGS: ReadonlyMap<string, string> = new Map([
	["open", "a1"],
	["openat", "a2"],
	["open_by_handle_at", "a2"],
]);

export function flagsArgument(syscall: string): string | undefined {
	return FLAGS.get(syscall);
}

/** Which arguments hold the folders that names are relative to; a call that is not here takes the working directory. */
const FOLDERS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
	...["openat", "openat2", "mkdirat", "mknodat", "fchownat", "futimesat", "unlinkat", "fchmodat", "fchmodat2"].map(
		(call): [string, string[]] => [call, ["a0"]],
	),
	["utimensat", ["a0"]],
	["symlinkat", ["a1"]],
	["renameat", ["a0", "a2"]],
	["renameat2", ["a0", "a2"]],
	["linkat", ["a0", "a2"]],
]);

export function folderArguments(syscall: string): readonly string[] {
	return FOLDERS.get(syscall) ?? [];
}
