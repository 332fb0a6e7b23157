/** What the hypervisor and the observers saw -> failures. */
import type { Told } from "./causes.ts";
import type { FailureEvent } from "./failures.ts";
import { clip, diskName, normalise } from "./titles.ts";

/** Codes of Windows that are met when memory, disks or time are not as they should be (bugcodes.h). */
const BUGCHECKS: Readonly<Record<number, string>> = {
	1: "APC_INDEX_MISMATCH",
	10: "IRQL_NOT_LESS_OR_EQUAL",
	18: "TRAP_CAUSE_UNKNOWN",
	24: "REFERENCE_BY_POINTER",
	25: "BAD_POOL_HEADER",
	26: "MEMORY_MANAGEMENT",
	30: "KMODE_EXCEPTION_NOT_HANDLED",
	35: "FAT_FILE_SYSTEM",
	36: "NTFS_FILE_SYSTEM",
	46: "DATA_BUS_ERROR",
	59: "SYSTEM_SERVICE_EXCEPTION",
	63: "NO_MORE_SYSTEM_PTES",
	78: "PFN_LIST_CORRUPT",
	80: "PAGE_FAULT_IN_NONPAGED_AREA",
	81: "REGISTRY_ERROR",
	116: "BAD_SYSTEM_CONFIG_INFO",
	119: "KERNEL_STACK_INPAGE_ERROR",
	122: "KERNEL_DATA_INPAGE_ERROR",
	123: "INACCESSIBLE_BOOT_DEVICE",
	126: "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
	127: "UNEXPECTED_KERNEL_MODE_TRAP",
	128: "NMI_HARDWARE_FAILURE",
	142: "KERNEL_MODE_EXCEPTION_NOT_HANDLED",
	156: "MACHINE_CHECK_EXCEPTION",
	159: "DRIVER_POWER_STATE_FAILURE",
	194: "BAD_POOL_CALLER",
	196: "DRIVER_VERIFIER_DETECTED_VIOLATION",
	197: "DRIVER_CORRUPTED_EXPOOL",
	209: "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
	226: "MANUALLY_INITIATED_CRASH",
	239: "CRITICAL_PROCESS_DIED",
	244: "CRITICAL_OBJECT_TERMINATION",
	247: "DRIVER_OVERRAN_STACK_BUFFER",
	257: "CLOCK_WATCHDOG_TIMEOUT",
	265: "CRITICAL_STRUCTURE_CORRUPTION",
	292: "WHEA_UNCORRECTABLE_ERROR",
	307: "DPC_WATCHDOG_VIOLATION",
	313: "KERNEL_SECURITY_CHECK_FAILURE",
	340: "UNEXPECTED_STORE_EXCEPTION",
};

/** Undefined where it is no failure. */
export function failureOfEvent(event: FailureEvent): Told | undefined {
	const named = (type: Told["type"], title: string, vague = false): Told => ({
		type,
		title: clip(title),
		alternatives: [],
		vague,
	});
	switch (event.kind) {
		case "silence":
			return named("silence", "silence");
		case "probe":
			return named("probe-failure", `probe failed: ${event.name}`);
		case "performance":
			return named("performance-collapse", `performance collapse: ${event.metric}`);
		case "exit":
			return named(
				"unclassified",
				event.signal === null ? `QEMU ended with ${event.code}` : `QEMU was ended by ${event.signal}`,
			);
		case "qmp":
			return ofQmp(event.event, event.data ?? {}, named);
	}
}

type Named = (type: Told["type"], title: string, vague?: boolean) => Told;

function ofQmp(event: string, data: Readonly<Record<string, unknown>>, named: Named): Told | undefined {
	switch (event) {
		case "GUEST_PANICKED":
			return ofPanic(data["info"], named);
		case "GUEST_CRASHLOADED":
			return named("kernel-panic", "guest panicked, and its crash kernel took over", true);
		case "WATCHDOG":
			return named("watchdog", `watchdog expired: ${text(data["action"])}`);
		case "RESET":
			return data["guest"] === true ? named("reboot", "rebooted by the guest") : undefined;
		case "SHUTDOWN":
			if (data["guest"] !== true) return undefined;
			return data["reason"] === "guest-reset"
				? named("reboot", "rebooted by the guest")
				: named("reboot", "shut down by the guest");
		case "BLOCK_IO_ERROR": {
			const disk = diskName(text(data["device"]) || text(data["node-name"]) || text(data["qom-path"]));
			return named("io-error", `I/O error on ${disk || "a disk"}: ${text(data["operation"]) || "request"}`);
		}
		case "MEMORY_FAILURE":
			return named("memory-corruption", "memory failure");
		default:
			return undefined;
	}
}

/** `GuestPanicInformation` of QEMU: Windows tells its bugcheck through the enlightenments of Hyper-V. */
function ofPanic(info: unknown, named: Named): Told {
	if (typeof info !== "object" || info === null) return named("kernel-panic", "guest panicked", true);
	const { type, arg1, reason, psw_mask: _mask, ...rest } = info as Readonly<Record<string, unknown>>;
	if (type === "hyper-v" && typeof arg1 === "number" && Number.isSafeInteger(arg1) && arg1 >= 0) {
		const code = `0x${arg1.toString(16).padStart(8, "0").toUpperCase()}`;
		return named("kernel-panic", ["Windows bugcheck", code, BUGCHECKS[arg1] ?? ""].join(" "));
	}
	const cause = text(reason) || text(rest["core"]);
	return named("kernel-panic", normalise(`guest panicked: ${text(type)} ${cause}`), true);
}

/** What QEMU says may hold what a guest chose. */
function text(value: unknown): string {
	return typeof value === "string" || typeof value === "number" ? String(value).slice(0, 100) : "";
}
