/** All dashboards by name. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import type { DashboardName } from "../names.ts";
import type { GrafanaSettings } from "../settings.ts";
import { anomalies } from "./anomalies.ts";
import { capacity } from "./capacity.ts";
import { changes } from "./changes.ts";
import { fleet } from "./fleet.ts";
import { hostDetail } from "./host.ts";
import { predictions } from "./predictions.ts";
import { self } from "./self.ts";
import { trials } from "./trials.ts";
import { vmDetail } from "./vm.ts";

const MAKERS: Readonly<Record<DashboardName, (settings: GrafanaSettings) => Dashboard>> = {
	fleet,
	vm: vmDetail,
	host: hostDetail,
	changes,
	anomalies,
	capacity,
	trials,
	predictions,
	self,
};

export function dashboards(settings: GrafanaSettings): Dashboard[] {
	return Object.values(MAKERS).map((make) => make(settings));
}
