/** QEMU's options, as far as a clone is concerned. */
import { cannot } from "./devices.ts";
import { OptionSet } from "./option-set.ts";

/** Without a value. */
export const SWITCHES: ReadonlySet<string> = new Set([
	...["-nodefaults", "-no-user-config", "-no-reboot", "-no-hpet", "-no-acpi", "-no-fd-bootchk", "-win2k-hack"],
	...["-enable-kvm", "-usb", "-mem-prealloc", "-nouserconfig"],
]);
/** What they say means the same in a clone. */
export const KEPT: ReadonlySet<string> = new Set([
	...["-nodefaults", "-no-user-config", "-nouserconfig", "-no-reboot", "-no-hpet", "-no-acpi", "-no-fd-bootchk"],
	...["-win2k-hack", "-enable-kvm", "-usb", "-accel", "-cpu", "-m", "-smp", "-numa", "-uuid", "-rtc", "-vga"],
	...["-watchdog", "-action"],
]);
/** What they say is of the host, and the guest sees nothing of it. */
export const DROPPED: ReadonlySet<string> = new Set([
	"-overcommit",
	"-realtime",
	"-mem-path",
	"-mem-prealloc",
	"-add-fd",
	"-iscsi",
	"-k",
	"-D",
]);
/** Of a boot that is over. */
export const OF_BOOT: ReadonlySet<string> = new Set(["-kernel", "-initrd", "-append", "-dtb", "-shim"]);
/** Tables for the guest: what they may say, and what it is called where the first has no name. All others name files. */
const TABLES: Readonly<Record<string, { readonly implied?: string; readonly keys: RegExp }>> = {
	"-fw_cfg": { implied: "name", keys: /^(?:name|string)$/ },
	"-smbios": {
		keys: /^(?:type|vendor|version|date|release|uefi|vm|manufacturer|product|serial|uuid|sku|family|asset|location|sock_pfx|max-speed|current-speed|processor-(?:id|family)|part|value|loc_pfx|bank|speed|designation|kind|instance|pcidev|(?:in|ex)ternal_reference|connector_type|port_type)$/,
	},
};
/** Why others are refused, for people. */
export const REASONS: Readonly<Record<string, string>> = {
	"-fsdev": "it shows a folder of the host",
	"-virtfs": "it shows a folder of the host",
	"-tpmdev": "its secrets are kept outside of the machine",
	"-readconfig": "it names a file with further options, of another host",
	"-acpitable": "it names a file of another host",
	"-option-rom": "it names a file of another host",
	"-L": "it names a folder of another host",
};

/** @returns the value as it is: of SMBIOS a key may come several times. @throws UmbraError `unsupported`, `corrupt`. */
export function checkTable(option: string, value: string): string {
	const { implied, keys } = TABLES[option] ?? { keys: /^$/ };
	const refused = OptionSet.parseList(value, implied)
		.keys()
		.find((key) => !keys.test(key));
	if (refused === undefined) return value;
	const isFile = refused === "file" || refused === "path";
	throw cannot(
		`${option} ${refused}=`,
		isFile ? "it names a file of another host" : "whether it can be cloned is not known",
	);
}

/** Options with their values; those without have an empty one. @throws UmbraError `corrupt`, `unsupported`. */
export function pairs(args: readonly string[]): (readonly [string, string])[] {
	const found: [string, string][] = [];
	for (let at = 0; at < args.length; at++) {
		const option = args[at] as string;
		if (!option.startsWith("-")) found.push(["-hda", option]);
		else if (SWITCHES.has(option)) found.push([option, ""]);
		else found.push([option, args[++at] ?? ""]);
	}
	return found;
}
