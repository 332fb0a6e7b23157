import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Point, point } from "./measurements/measurements.ts";
import { PrometheusPage } from "./prometheus.ts";

function points(): Point[] {
	const made = [
		point("vm_disk", { host: "h", vm: 'a "b"\\\n', disk: "vda" }, 1n, { rd_bytes: 4096, capacity: 2 ** 41 }),
		point("vm_disk", { host: "h", vm: "c", disk: "vda" }, 1n, { rd_bytes: 1 }),
		point("alert", { host: "h", vm: "c", cause: "x", severity: "info" }, 1n, { firing: 1, summary: "words" }),
	];
	return made.filter((each) => each !== null);
}

describe("PrometheusPage", () => {
	it("makes counters and gauges of numbers, with their tags, and leaves text out", async () => {
		const page = new PrometheusPage(async () => points());
		const text = await page.render();
		assert.match(text, /^# TYPE umbra_vm_disk_rd_bytes_total counter$/m);
		assert.ok(text.includes('umbra_vm_disk_rd_bytes_total{host="h",vm="a \\"b\\"\\\\\\n",disk="vda"} 4096\n'), text);
		assert.ok(text.includes('umbra_vm_disk_rd_bytes_total{host="h",vm="c",disk="vda"} 1\n'));
		assert.ok(text.includes(`umbra_vm_disk_capacity{host="h",vm="a \\"b\\"\\\\\\n",disk="vda"} ${2 ** 41}\n`));
		assert.match(text, /^process_resident_memory_bytes \d+$/m);
		assert.ok(!text.includes("words"));
		assert.match(page.contentType, /^text\/plain/);
		// Counters are what was read, however often the page is.
		assert.ok((await page.render()).includes('vm="c",disk="vda"} 1\n'));
	});
});
