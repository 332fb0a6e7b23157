/** What a clone is made of, the same for all clones of a template: paths in it are relative to a clone's own folder. */

/** A block of RAM that all clones share until they write to it. */
export interface SharedRam {
	/** By which the machine's state names it. */
	readonly block: string;
	/** Of QEMU's memory backend. */
	readonly backend: string;
	/** Bytes. */
	readonly size: number;
	/** In the RAM part of the state. */
	readonly offset: number;
	/** What the backend is told besides where its memory lies. */
	readonly options: readonly string[];
}

export type ChannelKind = "console" | "guest-agent" | "port";

/** A character device: a socket that the agent listens on and drains. */
export interface PlannedChannel {
	readonly kind: ChannelKind;
	/** Of the port in the guest ("org.qemu.guest_agent.0"), or of the console ("serial0"). */
	readonly name: string;
	/** In the clone's folder. */
	readonly socket: string;
}

/**
 * How frames get from QEMU to the switch: by its `stream` backend; or, for a guest that leaves checksums and segmentation
 * to its network, by a tap device without a network, in front of which filters redirect all frames to the switch.
 */
export type Wire = "stream" | "redirected-tap";

export interface PlannedNic {
	/** Of the network backend. */
	readonly netdev: string;
	/** In the clone's folder; of a redirected tap the one that frames come from, with "i" behind it the one that they go to. */
	readonly socket: string;
	readonly wire: Wire;
}

export interface PlannedDisk {
	/** In the point. */
	readonly disk: string;
	/** Of the qcow2 that takes what the clone writes, in its folder. */
	readonly overlay: string;
	/** Bytes. */
	readonly size: number;
	/** The node that the device is plugged into: a throttle filter. */
	readonly filter: string;
	/** The filter's throttle group, an object by this id, without limits in the beginning. */
	readonly group: string;
	/** What is below the filter in the beginning, as `blockdev-add` takes it. */
	readonly node: Readonly<Record<string, unknown>> & { readonly "node-name": string };
}

export interface ClonePlan {
	/** QEMU's arguments but for the memory backends, the monitor, the name and what starts it. */
	readonly args: readonly string[];
	readonly ram: readonly SharedRam[];
	readonly channels: readonly PlannedChannel[];
	readonly nics: readonly PlannedNic[];
	readonly disks: readonly PlannedDisk[];
	/** In what a clone differs from its machine, for people. */
	readonly notes: readonly string[];
}
