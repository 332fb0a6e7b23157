/** The files in this repository that are made by this room, by their path in it. */
import { renderFiles } from "./render.ts";
import { grafanaSettings } from "./settings.ts";

/** Of the defaults; and the data source of packaging/compose.yaml, where InfluxDB is another container. */
export function generatedFiles(): ReadonlyMap<string, string> {
	const files = [...renderFiles(grafanaSettings.parse({}))].map(
		([path, text]) => [`${PROVISIONING}/${path}`, text] as const,
	);
	return new Map([...files, [`packaging/compose/${DATA_SOURCE}`, renderFiles(COMPOSE).get(DATA_SOURCE)!]]);
}

/** All of this folder is made. */
export const PROVISIONING = "grafana/provisioning";
const DATA_SOURCE = "datasources/umbra.yaml";
const COMPOSE = grafanaSettings.parse({
	influx: { version: 2, url: "http://influxdb:8086", token: "$__file{/run/secrets/influx-token}" },
});
