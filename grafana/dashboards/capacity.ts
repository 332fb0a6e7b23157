/** When disks are full. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard, MACHINE_VARIABLES, variable } from "../dashboard.ts";
import { of } from "../influxql.ts";
import { DAYS_STEPS, PERCENT_STEPS } from "../mappings.ts";
import { PANELS } from "../panel-ids.ts";
import { chart, lines, table } from "../panels.ts";
import type { GrafanaSettings } from "../settings.ts";

const forecast = of("forecast");
const volume = of("vm_volume");
const disk = of("vm_disk");

const SCOPE = { scope: ["host", "vm", "disk"] } as const;
const BY_VOLUME = { ...SCOPE, by: ["host", "vm", "disk", "volume"] } as const;

export function capacity(settings: GrafanaSettings): Dashboard {
	return dashboard(
		{
			name: "capacity",
			description: "How full the VMs' filesystems are, how fast they grow, and when they will be full.",
			from: "now-30d",
			refresh: "5m",
			variables: {
				...MACHINE_VARIABLES,
				disk: variable("disk", volume.tagValues("disk", { scope: ["host", "vm"] })),
			},
			marks: [],
			rows: [
				{
					height: 12,
					panels: [
						table({
							id: PANELS.capacity.soonest,
							title: "Soonest full first",
							about:
								"At the rate at which each grew so far, a robust trend; 3650 days is: it does not grow. Early and late are the ends of the 80 % interval. Below 14 days plan, below 3 act.",
							span: 24,
							last: "6h",
							source: forecast,
							where: SCOPE,
							cells: [
								{ of: "vm", title: "VM" },
								{ of: "host", title: "Host" },
								{ of: "disk", title: "Disk", width: 90 },
								{ of: "volume", title: "Volume", width: 120 },
								{ of: forecast.last("days_to_full"), title: "Full in", steps: DAYS_STEPS },
								{ of: forecast.last("days_to_full_low"), title: "Early" },
								{ of: forecast.last("days_to_full_high"), title: "Late" },
								{ of: forecast.last("growth_bytes_per_day"), title: "Grows by" },
								{ of: forecast.last("used_bytes"), title: "Used" },
								{ of: forecast.last("size_bytes"), title: "Size" },
								{ of: forecast.last("used_in_7_days_bytes"), title: "In a week" },
								{ of: forecast.last("used_in_30_days_bytes"), title: "In 30 days" },
								{ of: forecast.last("points"), title: "Readings", width: 90 },
							],
							sort: "Full in",
							ascending: true,
						}),
					],
				},
				{
					title: "How it came",
					height: 9,
					panels: [
						chart({
							id: 10,
							title: "Used",
							about: "How full each filesystem is. A straight slope can be planned by; a step has a file behind it.",
							span: 12,
							of: lines(volume, [volume.last("used_percent")], BY_VOLUME),
							max: 100,
							step: "1m",
							steps: PERCENT_STEPS,
						}),
						chart({
							id: 11,
							title: "Days to full",
							about: "How the forecast itself moved. A line that falls faster than a day a day: growth is speeding up.",
							span: 12,
							of: lines(forecast, [forecast.last("days_to_full")], BY_VOLUME),
							step: "1h",
						}),
						chart({
							id: 12,
							title: "Growth a day",
							about:
								"How fast each grows; below 0 it shrinks. A rise that stays is a new habit: find its files on the VM's dashboard.",
							span: 12,
							signed: true,
							of: lines(forecast, [forecast.last("growth_bytes_per_day")], BY_VOLUME),
							step: "1h",
						}),
						chart({
							id: 13,
							title: "Images on the host",
							about:
								"What the images take on the host, disk by disk. Sparse images grow with use and shrink only by discard (fstrim).",
							span: 12,
							of: lines(disk, [disk.last("physical", "image"), disk.last("capacity", "disk")], {
								...SCOPE,
								by: ["host", "vm", "disk"],
							}),
							step: "1m",
						}),
					],
				},
			],
		},
		settings,
	);
}
