import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { formatTime } from "../../common/units.ts";
import { until } from "../../test/support/wait.ts";
import { fileChange, random, randomBlock, TestVm } from "../ingest/test-agent.ts";
import { type ApiSite, openSite } from "./testing.ts";

const CONTENT = Buffer.from("0123456789".repeat(1000));

describe("answers that may be kept", () => {
	let site: ApiSite;
	let image: Buffer;
	const vm = new TestVm("web", { vda: 1 });
	const times: string[] = [];

	before(async () => {
		site = await openSite();
		const tree = join(site.folder, "tree");
		await mkdir(tree);
		await writeFile(join(tree, "digits"), CONTENT);
		const path = join(site.folder, "image");
		execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", tree, path, "2m"]);
		image = await readFile(path);
		vm.disks.set("vda", image);
		for (let at = 0; at < 2; at++) {
			await vm.capture(site.agent, [fileChange("/digits")]);
			times.push(String(vm.timeNs));
			// Behind the filesystem's blocks nothing reads: the disk differs, its files do not.
			vm.write("vda", 31, randomBlock(random(at)));
		}
		const isJudged = ({ severity }: { severity: string | null }) => severity !== null;
		const points = async () => (await site.json("/v1/vms/web/points")).items;
		await until(async () => (await points()).every(isJudged), { what: "verdicts" });
	});
	after(() => site[Symbol.asyncDispose]());

	const resources = [
		["a point", ""],
		["extents", "/disks/vda/extents"],
		["the bytes of a disk", "/disks/vda/data"],
		["a folder", "/files?path=/"],
		["the content of a file", "/content?path=/digits"],
		["a changeset", undefined],
	] as const;
	const urlOf = (time: string, rest: string | undefined) =>
		rest === undefined ? `/v1/vms/web/changes/${time}` : `/v1/vms/web/points/${time}${rest}`;

	for (const [what, rest] of resources) {
		it(`name ${what}, are not sent again, and may be kept only by its exact time`, async () => {
			const exact = await site.request(urlOf(times[1]!, rest));
			const tag = exact.headers.get("etag")!;
			assert.match(tag, /^"[\w-]+"$/);
			assert.equal(exact.headers.get("cache-control"), "private, max-age=86400, immutable");
			const body = Buffer.from(await exact.arrayBuffer());
			for (const time of ["latest", formatTime(BigInt(times[1]!)), String(BigInt(times[1]!) + 5n)]) {
				const moving = await site.request(urlOf(time, rest));
				assert.equal(moving.headers.get("cache-control"), "private, no-cache");
				assert.equal(moving.headers.get("etag"), tag, "one content, one name");
				assert.ok(Buffer.from(await moving.arrayBuffer()).equals(body));
			}
			for (const header of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
				const kept = await site.request(urlOf("latest", rest), { headers: { "if-none-match": header } });
				assert.equal(kept.status, 304, header);
				assert.equal(kept.headers.get("etag"), tag);
				assert.equal((await kept.arrayBuffer()).byteLength, 0);
			}
			const changed = await site.request(urlOf("latest", rest), { headers: { "if-none-match": '"other"' } });
			assert.equal(changed.status, 200);
			await changed.arrayBuffer();
			const before = await site.request(urlOf(times[0]!, rest));
			assert.notEqual(before.headers.get("etag"), tag, "another point, another name");
			await before.arrayBuffer();
		});
	}

	it("go on with a range only where the content is still the one that was begun", async () => {
		for (const [url, bytes] of [
			[urlOf("latest", "/disks/vda/data"), Buffer.concat([image])],
			[urlOf("latest", "/content?path=/digits"), CONTENT],
		] as const) {
			const whole = await site.request(url);
			const tag = whole.headers.get("etag")!;
			const first = Buffer.from(await whole.arrayBuffer());
			const ranged = async (ifRange: string) => {
				const response = await site.request(url, { headers: { range: "bytes=100-199", "if-range": ifRange } });
				return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
			};
			const part = await ranged(tag);
			assert.equal(part.status, 206);
			assert.ok(part.body.equals(first.subarray(100, 200)));
			assert.ok(part.body.equals(bytes.subarray(100, 200)));
			// A weak tag and a date cannot vouch for every byte.
			for (const other of ['"other"', `W/${tag}`, new Date().toUTCString()]) {
				const all = await ranged(other);
				assert.equal(all.status, 200, other);
				assert.equal(all.body.length, first.length);
			}
			const kept = await site.request(url, { headers: { range: "bytes=100-199", "if-none-match": tag } });
			assert.equal(kept.status, 304, "the condition comes before the range");
		}
	});

	it("are told of by HEAD without being read", async () => {
		const response = await site.request(urlOf(times[0]!, "/disks/vda/data"), { method: "HEAD" });
		assert.equal(response.status, 200);
		assert.equal(response.headers.get("content-length"), String(image.length));
		assert.equal(response.headers.get("accept-ranges"), "bytes");
		assert.ok(response.headers.has("etag"));
	});

	it("are not promised where there is none", async () => {
		for (const url of ["/v1/vms/web/points/1", urlOf("latest", "/content?path=/none"), "/v1/vms/none/points/latest"]) {
			const response = await site.request(url);
			assert.equal(response.status, 404);
			assert.equal(response.headers.get("etag"), null);
			assert.equal(response.headers.get("cache-control"), null);
			await response.arrayBuffer();
		}
	});
});
