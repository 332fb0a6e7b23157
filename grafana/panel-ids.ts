/** Ids of panels that are linked to from elsewhere. Like uids they never change: they are in links that people keep. */
export const PANELS = {
	fleet: { risk: 10 },
	vm: { alerts: 20, predictions: 21, hotFiles: 34 },
	capacity: { soonest: 1 },
	self: { uptime: 4, agents: 30, late: 40, spool: 31, writes: 20, backlog: 21, disk: 12 },
} as const;
