/** The agent's settings. packaging/examples/agent.yaml shows all of them. */
import { resolve } from "node:path";
import { z } from "zod";
import { bytesField, durationField, loadConfig } from "../common/config.ts";
import { messageOf } from "../common/errors.ts";
import { globMatches } from "../common/glob.ts";
import { LOG_LEVELS } from "../common/log.ts";
import { parseSchedule } from "./capture/schedule.ts";

const schedule = z.string().superRefine((text, context) => {
	try {
		parseSchedule(text);
	} catch (error) {
		context.addIssue({ code: "custom", message: messageOf(error) });
	}
});

/**
 * Makes memory of what a guest never wrote to before RAM is captured: it then stands still for half as long, and the host has
 * that much less. "auto": where half of the host's memory stays available, and the guest's balloon holds nothing.
 */
const preallocateRam = z.union([z.boolean(), z.literal("auto")]);

/** Settings of some VMs: the first entry whose `match` or `name` fits counts. */
const vmSettings = z
	.strictObject({
		/** A VM's name; `*` stands for any characters. */
		match: z.string().optional(),
		/** The path of one QMP socket, to give its VM a name. */
		socket: z.string().optional(),
		name: z.string().min(1).optional(),
		schedule: schedule.optional(),
		/** When RAM and devices are captured too. */
		states: schedule.optional(),
		preallocateRam: preallocateRam.optional(),
		askGuestAgent: z.boolean().optional(),
		/** True: never captured. */
		exclude: z.boolean().default(false),
		excludeDisks: z.array(z.string()).default([]),
	})
	.refine(({ socket, name }) => socket === undefined || name !== undefined, {
		path: ["name"],
		message: "a socket needs the name of its VM",
	})
	.refine(({ match, name }) => match !== undefined || name !== undefined, {
		path: ["match"],
		message: "an entry without match and name fits no VM",
	});

/** More often would cost more than it tells; a round has to be a whole number of seconds, as series are stamped by them. */
const interval = durationField().refine(
	(ms) => ms >= 1000 && ms <= 600_000 && ms % 1000 === 0,
	"wanted 1s to 10m in whole seconds",
);

/** Readings of the host and its VMs. */
const telemetry = z.strictObject({
	enabled: z.boolean().default(true),
	interval: interval.default(10_000),
	/** Names of the VMs that are read, with `*`, whether or not they are captured. */
	vms: z.array(z.string()).default(["*"]),
	/** Have each VM measure once in a while how fast it writes to its memory, which takes a second of a core's time to a few. */
	dirtyRate: z.boolean().default(false),
});

/** What this host gives to trials: clones of captured machines, isolated. Left out, it takes none. */
const trials = z.strictObject({
	/** Clones at the same time. */
	slots: z.int().min(1).max(256),
	/** Of all clones together, with all the RAM that they may come to use. */
	memory: bytesField(),
	/** Of all processors of the host. */
	cpuShare: z.number().gt(0).max(1).default(0.5),
	/** Name of a control group, made where it is not there. */
	cgroup: z
		.string()
		.regex(/^[\w.-]+(?:\/[\w.-]+)*$/, "wanted a name, or names with / between them")
		.refine((name) => !name.split("/").some((part) => /^\.+$/.test(part)), "wanted names that are none of . and ..")
		.default("umbra-trials"),
	/** What a clone may write to each of its disks. */
	disk: bytesField().default(8 * 2 ** 30),
	/** Free space of the data folder's filesystem below which no clones run; 2 GiB, or a twentieth of it where that is more. */
	diskFloor: bytesField().optional(),
});

export const agentConfig = z.strictObject({
	dataDir: z.string().min(1),
	/** Shown to operators; the host's own name by default. */
	host: z.string().optional(),
	collector: z.strictObject({
		/** host:port of the collector's agent listener. */
		address: z.string().regex(/^[^:\s]+:\d+$|^\[[^\]]+\]:\d+$/, "wanted host:port"),
		/** File that holds the bearer token. */
		tokenFile: z.string().optional(),
		/** TLS towards the collector; the certificates are PEM files. */
		tls: z
			.strictObject({
				/** Who may have signed the collector's certificate; the system's own roots where it is left out. */
				ca: z.string().optional(),
				/** The agent's own, where the collector asks for one. */
				cert: z.string().optional(),
				key: z.string().optional(),
				/** The name that the collector's certificate carries, where it is not the address's. */
				serverName: z.string().optional(),
			})
			.optional(),
	}),
	qemu: z.strictObject({
		/** QMP sockets of the VMs: paths, or globs with `*`. */
		sockets: z.array(z.string()).min(1),
		/** A shorter one keeps a core busy with looking; Node's timers hold no more than 24 days. */
		scanInterval: durationField()
			.refine((ms) => ms >= 100 && ms <= 36e5, "wanted 100ms to 1h")
			.default(2000),
	}),
	scratch: z
		.strictObject({
			/** Written by QEMU and by the agent; `<dataDir>/scratch` by default. */
			dir: z.string().optional(),
			/** What one disk's snapshot may take while it is open. */
			limit: bytesField().default(10 * 2 ** 30),
		})
		.prefault({}),
	spool: z.strictObject({ limit: bytesField().default(20 * 2 ** 30) }).prefault({}),
	schedule: schedule.default("every 60s"),
	/** When RAM and devices are captured too: never, unless told. */
	states: schedule.optional(),
	preallocateRam: preallocateRam.default("auto"),
	/** Whether the guest agent of a VM, where nobody else speaks to it, is asked for its network when RAM is captured. */
	askGuestAgent: z.boolean().default(true),
	telemetry: telemetry.prefault({}),
	trials: trials.optional(),
	/** Hashing threads. */
	threads: z.int().min(1).max(64).default(2),
	vms: z.array(vmSettings).default([]),
	/** Its own HTTP listener: /metrics, /healthz, /readyz. */
	status: z
		.strictObject({
			listen: z.string(),
			/** One line that whoever reads /metrics must show; needed beyond loopback. */
			tokenFile: z.string().min(1).optional(),
		})
		.optional(),
	log: z.enum(LOG_LEVELS).default("info"),
});

export type AgentConfig = z.output<typeof agentConfig>;
export type VmSettings = z.output<typeof vmSettings>;

/**
 * Relative paths count from the working directory, which is not QEMU's: what QEMU gets to see is made absolute.
 *
 * @throws UmbraError `not-found`, `bad-config`.
 */
export async function loadAgentConfig(path: string): Promise<AgentConfig> {
	const config = await loadConfig(agentConfig, path);
	const { dir, ...scratch } = config.scratch;
	return {
		...config,
		dataDir: resolve(config.dataDir),
		scratch: dir === undefined ? scratch : { ...scratch, dir: resolve(dir) },
	};
}

/** True where the VM called `name` is read. */
export function isRead({ telemetry }: AgentConfig, name: string): boolean {
	return telemetry.enabled && telemetry.vms.some((pattern) => globMatches(pattern, name));
}

const NO_SETTINGS: VmSettings = { exclude: false, excludeDisks: [] };

/** The settings of the VM called `name`. */
export function settingsFor(config: AgentConfig, name: string): VmSettings {
	return (
		config.vms.find((entry) => entry.name === name || (entry.match !== undefined && globMatches(entry.match, name))) ??
		NO_SETTINGS
	);
}
