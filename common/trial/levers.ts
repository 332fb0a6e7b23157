/**
 * The levers that a stress profile can move, as data: a closed list. Units stand in the names of the settings: milliseconds,
 * percent, bytes a second. Whoever moves one says how; here is only what may be wanted of it.
 *
 * A lever is *held* (set when its phase begins, taken back when it ends) or *momentary* (done at an instant, perhaps again and
 * again, and not taken back: what it did to the clone stays).
 */
import { z } from "zod";
import { durationField } from "../config.ts";

/** A clone's devices and processes are found by their names; nothing is done with a name but comparing it. */
const name = z.string().min(1).max(255);
const ms = (low: number, high: number) => z.number().min(low).max(high);
const percent = (low: number, high = 100) => z.number().min(low).max(high);
/** Above this no disk or network of a VM is held back. */
const MAX_RATE = 1e12;
const HOUR_MS = 36e5;

/**
 * What a held lever's setting may be instead of a number: one drawn from the profile's seed (`between`), or one that moves from
 * the first value to the last while the phase lasts (`ramp`), in steps of `every` (1 s unless given).
 */
function amount(one: z.ZodNumber) {
	return z.union(
		[
			one,
			z
				.strictObject({ between: z.tuple([one, one]) })
				.refine(({ between: [low, high] }) => low <= high, { path: ["between"], message: "wanted [low, high]" }),
			z.strictObject({
				ramp: z.tuple([one, one]),
				every: durationField()
					.refine((wanted) => wanted >= 100 && wanted <= HOUR_MS, "wanted 100ms to 1h")
					.default(1000),
			}),
		],
		{
			error: ({ input }) => amountProblem(one, input),
		},
	);
}

function amountProblem(one: z.ZodNumber, input: unknown): string | undefined {
	if (typeof input === "number") return one.safeParse(input).error?.issues[0]?.message;
	return "wanted a number, {between: [LOW, HIGH]} or {ramp: [FROM, TO], every: 1s}";
}

/** Of a momentary lever: how often it is done while its phase lasts, and how far each time strays, drawn from the seed. */
const momentary = {
	every: durationField()
		.refine((wanted) => wanted >= 10 && wanted <= 24 * HOUR_MS, "wanted 10ms to 1d")
		.optional(),
	jitter: durationField()
		.refine((wanted) => wanted <= HOUR_MS, "wanted at most 1h")
		.optional(),
};
/** A disk, by the name that captures have for it; left out, all of them. */
const disk = name.optional();
/** A network interface, by the id of its device; left out, all of them. */
const nic = name.optional();

const held = {
	/** At most so much of the processor time that its vCPUs could use. */
	"cpu-share": { percent: amount(percent(1)) },
	/** So much of its memory taken away by the balloon. */
	"memory-pressure": { percent: amount(percent(1, 95)) },
	/** At most so much a second; at least one of both. */
	"disk-rate": {
		disk,
		bytesPerSecond: amount(z.number().min(512).max(MAX_RATE)).optional(),
		requestsPerSecond: amount(z.number().min(1).max(1e7)).optional(),
	},
	/** Each request takes so much longer. */
	"disk-latency": { disk, ms: amount(ms(0, 600_000)), jitterMs: ms(0, 600_000).default(0) },
	/** Requests of this kind end in an I/O error, all or so many of a hundred. */
	"disk-errors": { disk, operation: z.enum(["read", "write", "flush"]), percent: percent(0.01).default(100) },
	/** Writes that need room find none. */
	"disk-full": { disk },
	/** Each frame takes so much longer, give or take `jitterMs`, both ways. */
	"network-latency": { nic, ms: amount(ms(0, 60_000)), jitterMs: ms(0, 60_000).default(0) },
	"network-loss": { nic, percent: amount(percent(0)) },
	"network-bandwidth": { nic, bytesPerSecond: amount(z.number().min(100).max(MAX_RATE)) },
	/** So many frames of a hundred come with a flipped bit. */
	"network-corruption": { nic, percent: amount(percent(0)) },
	/** The cable is out. */
	"network-link": { nic },
	/** A process of the guest stands still. */
	"process-stop": { process: name },
	/** All but so many of its file descriptors are taken. */
	"descriptors-exhausted": { process: name, left: z.int().min(0).max(1_000_000).default(0) },
	/** A filesystem of the guest is filled up to so much. */
	"filesystem-full": {
		path: z.string().max(4096).regex(/^\//, "wanted an absolute path"),
		percent: percent(1).default(100),
	},
	/** A process that takes memory and gives none back. */
	"memory-leak": { bytesPerSecond: amount(z.number().min(4096).max(1e11)) },
	/**
	 * The level at which the VM shall run, with what it does by itself: of all vCPUs, of its memory, read and written a second. Brought about
	 * by work within the guest where it has an agent, by taking away from outside where not.
	 */
	load: {
		cpuPercent: amount(percent(0)).optional(),
		memoryPercent: amount(percent(0)).optional(),
		ioBytesPerSecond: amount(z.number().min(0).max(MAX_RATE)).optional(),
	},
} as const;

const once = {
	/** The vCPU, or all of them, do not run for so long. */
	"cpu-stall": { vcpu: z.int().min(0).max(4095).optional(), ms: ms(1, 600_000) },
	/** Bits flipped in so many pages of its memory: any, or such as the kernel or processes use. */
	"memory-corruption": {
		pages: z.enum(["any", "kernel", "user"]).default("any"),
		count: z.int().min(1).max(10_000).default(1),
		bitsPerPage: z.int().min(1).max(64).default(1),
	},
	nmi: {},
	/** A device is pulled out, by its id. */
	unplug: { device: name },
	/** The guest's clock is set so much ahead (or back, where negative). */
	"clock-jump": {
		ms: z
			.number()
			.min(-10 * 365 * 864e5)
			.max(10 * 365 * 864e5)
			.refine((jump) => jump !== 0, "wanted a jump, found none"),
	},
	"process-kill": { process: name, signal: z.enum(["TERM", "KILL", "SEGV", "ABRT"]).default("KILL") },
} as const;

type HeldName = keyof typeof held;
type MomentaryName = keyof typeof once;
export type LeverName = HeldName | MomentaryName;

export const MOMENTARY: ReadonlySet<LeverName> = new Set(Object.keys(once) as MomentaryName[]);
export const LEVER_NAMES = [...Object.keys(held), ...Object.keys(once)] as readonly LeverName[];

const heldLever = <K extends HeldName>(lever: K) => z.strictObject({ lever: z.literal(lever), ...held[lever] });
const momentaryLever = <K extends MomentaryName>(lever: K) =>
	z
		.strictObject({ lever: z.literal(lever), ...once[lever], ...momentary })
		.refine((each) => !("jitter" in each) || each.jitter === undefined || each.every !== undefined, {
			path: ["jitter"],
			message: "is of no use without every",
		});
const anyOf = (...names: readonly string[]) => ({
	check: (setting: object) => names.some((each) => each in setting && setting[each as never] !== undefined),
	error: { message: `wanted at least one of ${names.join(", ")}` },
});
const rate = anyOf("bytesPerSecond", "requestsPerSecond");
const level = anyOf("cpuPercent", "memoryPercent", "ioBytesPerSecond");

/** One lever and what is wanted of it. */
export const leverSetting = z.discriminatedUnion(
	"lever",
	[
		heldLever("cpu-share"),
		heldLever("memory-pressure"),
		heldLever("disk-rate").refine(rate.check, rate.error),
		heldLever("disk-latency"),
		heldLever("disk-errors"),
		heldLever("disk-full"),
		heldLever("network-latency"),
		heldLever("network-loss"),
		heldLever("network-bandwidth"),
		heldLever("network-corruption"),
		heldLever("network-link"),
		heldLever("process-stop"),
		heldLever("descriptors-exhausted"),
		heldLever("filesystem-full"),
		heldLever("memory-leak"),
		heldLever("load").refine(level.check, level.error),
		momentaryLever("cpu-stall"),
		momentaryLever("memory-corruption"),
		momentaryLever("nmi"),
		momentaryLever("unplug"),
		momentaryLever("clock-jump"),
		momentaryLever("process-kill"),
	],
	{
		error: ({ code }) => (code === "invalid_union" ? `no such lever; there are ${LEVER_NAMES.join(", ")}` : undefined),
	},
);

export type LeverSetting = z.output<typeof leverSetting>;

/** A number as a profile gives it. */
export type Amount =
	| number
	| { readonly between: readonly [number, number] }
	| { readonly ramp: readonly [number, number]; readonly every: number };

/** What a lever works on: two settings of one target at a time would contradict each other. */
export function targetOf(setting: LeverSetting): string {
	const { lever } = setting;
	const { disk: ofDisk, nic: ofNic, process, path } = setting as Readonly<Partial<Record<string, string>>>;
	if (lever.startsWith("disk-")) return `${lever} ${ofDisk ?? "*"}`;
	if (lever.startsWith("network-")) return `${lever} ${ofNic ?? "*"}`;
	return [lever, process ?? path ?? ""].join(" ");
}
