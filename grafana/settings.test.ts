import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkConfig, loadConfig } from "../common/config.ts";
import { isUmbraError } from "../common/errors.ts";
import { grafanaSettings } from "./settings.ts";

const noc = { name: "noc", type: "email", addresses: ["noc@example.org"] };
const routes = [{ contactPoint: "noc" }];

/** What is wrong, and how it is told. */
const WRONG: readonly (readonly [title: string, settings: unknown, told: RegExp])[] = [
	["a misspelt setting", { foldr: "x" }, /foldr/],
	["a password in plain text", { influx: { user: "u", password: "hunter2" } }, /influx\.password: wanted a reference/],
	[
		"a reference to a relative file",
		{ influx: { version: 2, token: "$__file{token}" } },
		/influx\.token: wanted a reference/,
	],
	["a token for InfluxDB 1", { influx: { token: "$__env{T}" } }, /influx\.token: InfluxDB 1 wants user and password/],
	["InfluxDB 2 without a token", { influx: { version: 2 } }, /influx\.token: InfluxDB 2 and 3 want a token/],
	["a user without a password", { influx: { user: "u" } }, /influx\.password: wanted both/],
	["a variable where Grafana would expand it", { folder: "$HOME" }, /folder: wanted text without \$/],
	["a folder in a folder", { folder: "a/b" }, /folder: wanted a title without \//],
	["an unknown kind of contact point", { contactPoints: [{ name: "x", type: "fax" }] }, /contactPoints\.0\.type/],
	["a key of another kind", { contactPoints: [{ ...noc, url: "https://x" }], routes }, /contactPoints\.0: .*url/],
	[
		"a Slack URL in plain text",
		{ contactPoints: [{ name: "s", type: "slack", url: "https://hooks" }] },
		/contactPoints\.0\.url: wanted a reference/,
	],
	[
		"a Slack token without a channel",
		{ contactPoints: [{ name: "s", type: "slack", token: "$__env{T}" }] },
		/either url, or token and channel/,
	],
	["two contact points of a name", { contactPoints: [noc, noc], routes }, /contactPoints\.1\.name: there are two/],
	[
		"a route to nowhere",
		{ contactPoints: [noc], routes: [{ contactPoint: "nobody" }] },
		/there is no contact point nobody/,
	],
	[
		"a mute time that is not there",
		{ contactPoints: [noc], routes: [{ contactPoint: "noc", mute: ["x"] }] },
		/there is no mute time x/,
	],
	[
		"a last route for some",
		{ contactPoints: [noc], routes: [{ contactPoint: "noc", severity: "critical" }] },
		/last route has to be for everything/,
	],
	[
		"a mute time over midnight",
		{ muteTimes: [{ name: "n", when: [{ from: "22:00", to: "06:00" }] }] },
		/over midnight takes two entries/,
	],
	[
		"thresholds the wrong way round",
		{ thresholds: { daysToFull: { warning: 3, critical: 14 } } },
		/wanted critical below warning/,
	],
];

describe("grafanaSettings", () => {
	for (const [title, settings, told] of WRONG) {
		it(`refuses ${title}`, () => {
			assert.throws(
				() => checkConfig(grafanaSettings, settings, "grafana.yaml"),
				(error) => isUmbraError(error, "bad-config") && told.test(error.message),
			);
		});
	}

	it("takes the example, which has one of each kind of contact point", async () => {
		const path = join(import.meta.dirname, "..", "packaging", "examples", "grafana.yaml");
		const { contactPoints, thresholds } = await loadConfig(grafanaSettings, path);
		assert.deepEqual(
			contactPoints.map(({ type }) => type),
			["email", "webhook", "slack", "teams", "pagerduty", "opsgenie", "alertmanager"],
		);
		assert.equal(thresholds.agentSilent, 120_000);
	});
});
