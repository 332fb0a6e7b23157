/** What commands say of arguments that are a mistake, against a real collector. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { type ApiSite, openSite } from "../../collector/api/testing.ts";
import { TestVm } from "../../collector/ingest/test-agent.ts";
import { TestImage } from "../../disk/map/test-image.ts";
import { startUmbra } from "../../test/support/processes.ts";
import { needs } from "../../test/support/requires.ts";

describe("arguments that are a mistake", needs("mke2fs", "debugfs"), () => {
	const resources = new AsyncDisposableStack();
	let site: ApiSite;

	before(async () => {
		site = resources.use(await openSite());
		await using image = await TestImage.create("8M", "-t", "ext4");
		for (const name of ["web", "gone"]) {
			const vm = new TestVm(name, { vda: 1 });
			vm.disks.set("vda", await readFile(image.path));
			await vm.capture(site.agent);
		}
		// Before that it cannot be dropped.
		await site.judged();
		assert.equal((await site.request("/v1/vms/gone", { method: "DELETE" })).status, 200);
	});
	after(() => resources[Symbol.asyncDispose]());

	const iso = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/.source;
	const table: readonly (readonly [string, readonly string[], number, RegExp])[] = [
		["alerts of a VM that nobody knows", ["alerts", "--vm", "typo"], 3, /no VM named "typo"/],
		["alerts of a VM that has none", ["alerts", "--vm", "web"], 0, /^No alerts\.$/m],
		["alerts of a VM that was dropped", ["alerts", "--vm", "gone"], 0, /^No alerts\.$/m],
		[
			"a head that is none",
			["vault", "chain", "web", "--verify", "1:abc"],
			2,
			/not the head of a chain: "1:abc"[\s\S]*64 hexadecimal digits/,
		],
		[
			"a path that was not there",
			["browse", "web@latest", "/none"],
			3,
			new RegExp(`web@${iso}/vda: there is no /none`),
		],
		[
			"to forget whatever is newest",
			["forget", "web@latest"],
			2,
			/"web@latest" means whatever is newest; wanted VM@TIME with the exact time of one point[\s\S]*umbra points web lists them/,
		],
		["to forget a VM without a time", ["forget", "web"], 2, /"web" has no time; wanted VM@TIME/],
		[
			"a point against an image",
			["diff", "web@latest", "/tmp/image.raw"],
			2,
			/"web@latest" is a point and "\/tmp\/image\.raw" an image; wanted two points or two images/,
		],
		["an image against a point", ["diff", "/tmp/image.raw", "web@latest"], 2, /"web@latest" is a point/],
	];
	for (const [what, args, code, message] of table) {
		it(`says what is wrong with ${what}`, async () => {
			const program = await startUmbra([...args, "--collector", `http://${site.collector.apiAddress}`]);
			assert.equal(await program.finished, code, program.output());
			assert.match(program.output(), message);
		});
	}
});
