/**
 * `-global`: a property of all devices of a kind, also of those that no argument tells of. What it says is let through where it can
 * name nothing of this host: a switch or a number, of a property that refers to nothing. Of properties that are texts some are known.
 */
import { cannot, refersToHost } from "./devices.ts";
import { escaped, OptionSet } from "./option-set.ts";

/** As QEMU itself tells the short form from the other one. Kinds with a dot in their name have the long form only. */
const SHORT = /^([^.=]{1,63})\.([^=]{1,63})=(.*)$/s;
const NAME = /^[\w.-]+$/;
/** A size has a letter behind it. None of these is the name of a file that is not the clone's own. */
const SWITCH_OR_NUMBER = /^(?:on|off|yes|no|true|false|auto|-?(?:0x[0-9a-f]+|\d+(?:\.\d+)?)[bkmgtpe]?)$/i;
/** Numbers that stand for something outside of the machine: descriptors, and names that happen to be numbers. */
const REFERENCE = /^(?:.*fds?|chardev\d*|netdev|drive\w*|memdev|audiodev|iothread|rng|cryptodev|tls-.*)$/;
/** Texts that are words, or are shown to the guest. */
const TEXTS: readonly (readonly [driver: RegExp, property: RegExp, value: RegExp])[] = [
	[/^(?:kvm-pit|isa-pit|mc146818rtc)$/, /^lost_tick_policy$/, /^(?:discard|delay|slew)$/],
	// None at all.
	[/^/, /^romfile$/, /^$/],
	[/-cpu$|^cpu$/, /^(?:vendor|model-id|hv-vendor-id)$/, /^[\w .@()-]*$/],
];

/** @returns its value as a clone is given it. @throws UmbraError `unsupported`, `corrupt`. */
export function checkGlobal(told: string): string {
	const [, ...short] = SHORT.exec(told) ?? [];
	const [driver = "", property = "", value = ""] = short.length > 0 ? short : long(told);
	if (!NAME.test(driver) || !NAME.test(property)) throw cannot(`-global ${told}`, "it names no property");
	if (refersToHost(property) || REFERENCE.test(property)) {
		throw cannot(`-global ${driver}.${property}=`, "it names something of the host");
	}
	const isKnown =
		SWITCH_OR_NUMBER.test(value) ||
		TEXTS.some(([drivers, properties, values]) => {
			return drivers.test(driver) && properties.test(property) && values.test(value);
		});
	if (!isKnown) throw cannot(`-global ${driver}.${property}=${value}`, "it may name something of the host");
	return `driver=${driver},property=${property},value=${escaped(value)}`;
}

function long(told: string): (string | undefined)[] {
	const set = OptionSet.parseList(told);
	const unknown = set.keys().find((key) => !["driver", "property", "value"].includes(key));
	if (unknown !== undefined) throw cannot(`-global ${unknown}=`, "whether it can be cloned is not known");
	return [set.get("driver"), set.get("property"), set.get("value")];
}
