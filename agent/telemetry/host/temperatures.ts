/** Temperature sensors: Documentation/hwmon/sysfs-interface.rst, Documentation/driver-api/thermal/sysfs-api.rst. */
import { basename, join } from "node:path";
import { type Point, point } from "../../../common/measurements/measurements.ts";
import type { KernelTree } from "../../proc/tree.ts";

const HWMON = "/sys/class/hwmon";
const THERMAL = "/sys/class/thermal";
/** A machine with more has them in its processors, one a core. */
const MAX_SENSORS = 128;

export interface Sensor {
	/** "coretemp/Package id 0", "nvme-nvme1/Composite", "acpitz/thermal_zone0". */
	readonly name: string;
	/** Of the file that holds thousandths of a degree Celsius. */
	readonly path: string;
}

/**
 * All sensors, by the kernel's names for chip and sensor. Where several chips have the same name, that of the device is
 * put behind it. The thermal zones, most of which are the same sensors again, count only where there is nothing else.
 */
export function findSensors(tree: KernelTree): Sensor[] {
	const found = chipSensors(tree);
	const sensors = new Map<string, Sensor>();
	for (const sensor of found.length > 0 ? found : thermalZones(tree)) {
		if (sensors.size === MAX_SENSORS) break;
		// Labels of one chip may be equal; its inputs are not.
		const name = sensors.has(sensor.name) ? `${sensor.name} ${basename(sensor.path, "_input")}` : sensor.name;
		sensors.set(name, { name, path: sensor.path });
	}
	return [...sensors.values()];
}

function chipSensors(tree: KernelTree): Sensor[] {
	const chips = tree.names(HWMON).map((folder) => {
		const path = join(HWMON, folder);
		return { path, folder, name: tree.text(join(path, "name"))?.trim() || folder };
	});
	return chips.flatMap(({ path, folder, name }) => {
		const twins = chips.filter((other) => other.name === name).length > 1;
		const chip = twins ? `${name}-${basename(tree.link(join(path, "device")) ?? folder)}` : name;
		return inputsOf(tree, path).map((input) => {
			const label = tree.text(join(path, `${input}_label`))?.trim();
			return { name: `${chip}/${label || input}`, path: join(path, `${input}_input`) };
		});
	});
}

/** "temp1", "temp2", ... */
function inputsOf(tree: KernelTree, path: string): string[] {
	return tree.names(path).flatMap((file) => /^(temp\d+)_input$/.exec(file)?.[1] ?? []);
}

function thermalZones(tree: KernelTree): Sensor[] {
	return tree
		.names(THERMAL)
		.filter((folder) => folder.startsWith("thermal_zone"))
		.map((folder) => {
			const type = tree.text(join(THERMAL, folder, "type"))?.trim() || "thermal";
			return { name: `${type}/${folder}`, path: join(THERMAL, folder, "temp") };
		});
}

/** Reads all sensors, one after another; those that do not answer are left out. */
export async function readTemperatures(host: string, tree: KernelTree, timeNs: bigint): Promise<Point[]> {
	const points: (Point | null)[] = [];
	for (const { name, path } of findSensors(tree)) {
		const text = (await tree.textLater(path))?.trim();
		const celsius = text === undefined || text === "" ? undefined : Number(text) / 1000;
		points.push(point("host_temperature", { host, sensor: name }, timeNs, { celsius }));
	}
	return points.filter((each) => each !== null);
}
