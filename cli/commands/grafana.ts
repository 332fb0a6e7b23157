/** `umbra grafana`: dashboards, alert rules and contact points, as Grafana's provisioning files. */
import type { Command } from "commander";

interface RenderOptions {
	readonly out: string;
	readonly config?: string;
	readonly force?: true;
	readonly json?: true;
}

export function register(program: Command): void {
	const grafana = program.command("grafana").description("dashboards, alert rules and contact points for Grafana");
	grafana
		.command("render")
		.description("write Grafana's provisioning files; run again, what is no more is taken away")
		.requiredOption("--out <folder>", "where to: Grafana's provisioning folder, or one to copy there")
		.option("--config <file>", "settings, YAML; packaging/examples/grafana.yaml has all of them")
		.option("--force", "overwrite files that were not made by this command, or were changed since")
		.option("--json", "the result as one object")
		.action(async ({ out, config, force, json }: RenderOptions) => {
			const { loadConfig } = await import("../../common/config.ts");
			const { grafanaSettings } = await import("../../grafana/settings.ts");
			const { writeRendered } = await import("../../grafana/write.ts");
			const settings = config === undefined ? grafanaSettings.parse({}) : await loadConfig(grafanaSettings, config);
			const result = await writeRendered(out, settings, force === true);
			if (json) {
				console.log(JSON.stringify(result));
				return;
			}
			const { written, unchanged, removed } = result;
			for (const path of written) console.log(`written  ${path}`);
			for (const path of removed) console.log(`removed  ${path}`);
			console.log(
				`${written.length} files written, ${unchanged.length} as they were, ${removed.length} removed in ${out}`,
			);
		});
}
