/**
 * A state's third part: how the machine was made, and where in the other parts what lies. JSON in the form of RFC 8785 (keys
 * in order, no spaces), so that a machine that did not change has the same chunk. docs/formats.md has its fields.
 */
import { z } from "zod";
import { canonicalJson } from "../../common/canonical-json.ts";
import { UmbraError } from "../../common/errors.ts";
import type { MachineConfiguration } from "../hypervisor/hypervisor.ts";
import type { StateShape } from "./state.ts";

const VERSION = 1;
/** A machine's arguments take some KiB. */
const MAX_BYTES = 4 * 2 ** 20;

const count = z.number().int().nonnegative();
const networkEnd = z.object({ address: z.string(), port: count });
const guestNetwork = z.object({
	interfaces: z.array(
		z.object({
			name: z.string(),
			mac: z.string().optional(),
			addresses: z.array(z.object({ address: z.string(), prefix: count })),
		}),
	),
	routes: z
		.array(
			z.object({
				interface: z.string(),
				destination: z.string(),
				prefix: count,
				gateway: z.string(),
				metric: z.number(),
			}),
		)
		.nullable(),
	sockets: z
		.array(
			z.object({
				protocol: z.enum(["tcp", "udp"]),
				state: z.string(),
				local: networkEnd,
				peer: networkEnd.nullable(),
			}),
		)
		.nullable(),
});
const shape = z.object({
	version: z.literal(VERSION),
	machine: z.object({
		version: z.string(),
		architecture: z.string(),
		cpus: count,
		memory: z.object({ base: count, plugged: count }),
		memoryBackends: z.array(z.object({ id: z.string(), size: count, share: z.boolean() })),
		arguments: z.array(z.string()).nullable(),
		nics: z.array(z.object({ id: z.string(), model: z.string(), mac: z.string(), backend: z.string() })),
		network: z
			.object({
				addresses: z.array(z.object({ mac: z.string(), address: z.string() })),
				connections: z.array(
					z.object({
						protocol: z.enum(["tcp", "udp", "sctp"]),
						state: z.string(),
						guest: networkEnd,
						peer: networkEnd,
						isInbound: z.boolean(),
					}),
				),
				guest: guestNetwork.optional(),
			})
			.optional(),
	}),
	stream: z.object({
		machineType: z.string(),
		ram: z.object({ blocks: z.array(z.object({ name: z.string(), size: count, offset: count })), size: count }),
		headBytes: count,
		ramSection: count,
		hasFooters: z.boolean(),
	}),
});

/** @throws UmbraError `limit`. */
export function encodeConfiguration(machine: MachineConfiguration, stream: StateShape): Uint8Array {
	const bytes = Buffer.from(canonicalJson({ version: VERSION, machine, stream }), "utf8");
	if (bytes.length > MAX_BYTES) {
		throw new UmbraError("limit", `the machine's configuration takes ${bytes.length} bytes, at most ${MAX_BYTES} fit`);
	}
	return bytes;
}

/** @throws UmbraError `unsupported` for another version's, `corrupt` for anything else. */
export function decodeConfiguration(bytes: Uint8Array): {
	machine: MachineConfiguration;
	stream: StateShape;
} {
	if (bytes.length > MAX_BYTES) throw new UmbraError("corrupt", `a configuration of ${bytes.length} bytes`);
	let value: unknown;
	try {
		value = JSON.parse(Buffer.from(bytes).toString("utf8"));
	} catch (cause) {
		throw new UmbraError("corrupt", "the state's configuration is no JSON", { cause });
	}
	const version = (value as { version?: unknown } | null)?.version;
	if (typeof version === "number" && version !== VERSION) {
		throw new UmbraError("unsupported", `a state's configuration of version ${version}; wanted ${VERSION}`, {
			hint: "update umbra",
		});
	}
	const result = shape.safeParse(value);
	if (!result.success) throw new UmbraError("corrupt", `the state's configuration: ${result.error.message}`);
	return result.data;
}
