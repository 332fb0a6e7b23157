import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { isUmbraError } from "../../common/errors.ts";
import { silentLogger } from "../../common/log.ts";
import { v1 } from "../../proto/service.ts";
import { chunkOf, SpoolFixture } from "../spool/spool-fixture.ts";
import { CollectorStandIn } from "../uplink/collector-stand-in.ts";
import { Link } from "../uplink/link.ts";
import { Delivery } from "./delivery.ts";
import { askForShadow } from "./shadow.ts";

const NEVER = new AbortController().signal;
const CHUNKS = Array.from({ length: 20 }, (_, at) => chunkOf(at));

/** A spool, a collector that is a stand-in, and what brings the one to the other. */
async function stage(resources: AsyncDisposableStack) {
	const fixture = resources.use(await SpoolFixture.open());
	const collector = resources.use(new CollectorStandIn());
	await collector.listen();
	const link = resources.use(await Link.open({ address: collector.address, connections: 1 }, NEVER));
	const options = { link, connections: 1, spool: fixture.spool, log: silentLogger() };
	return { fixture, collector, link, deliver: () => resources.use(Delivery.start(options)) };
}

describe("Delivery", () => {
	it("brings what is spooled, also what was before it began, and says so", async () => {
		await using resources = new AsyncDisposableStack();
		const { fixture, collector, deliver } = await stage(resources);
		await fixture.capture("c0", "vm", CHUNKS);
		const delivery = deliver();
		assert.equal(await delivery.delivered("c0", NEVER), undefined);
		await fixture.capture("c1", "vm", CHUNKS);
		assert.equal(await delivery.delivered("c1", NEVER), undefined);
		assert.deepEqual(
			collector.changesets.map(({ id }) => id),
			["c0", "c1"],
		);
		assert.equal(collector.received, CHUNKS.length, "each chunk once");
	});

	for (const [what, wanted] of [
		["builds upon nothing that it knows", { isRefused: false, status: v1.SubmitStatus.SUBMIT_STATUS_BASE_UNKNOWN }],
		["is not wanted", { isRefused: true, status: v1.SubmitStatus.SUBMIT_STATUS_REFUSED }],
	] as const) {
		it(`says what the collector answers to a changeset that ${what}, and goes on`, async () => {
			await using resources = new AsyncDisposableStack();
			const { fixture, collector, deliver } = await stage(resources);
			collector.answer = ({ id }) => (id === "c0" ? { status: wanted.status, message: "because" } : undefined);
			const delivery = deliver();
			await fixture.capture("c0", "vm", CHUNKS);
			assert.deepEqual(await delivery.delivered("c0", NEVER), { reason: "because", isRefused: wanted.isRefused });
			assert.equal(fixture.spool.nextChangeset, undefined, "it is not brought again");
			await fixture.capture("c1", "vm", CHUNKS);
			assert.equal(await delivery.delivered("c1", NEVER), undefined);
		});
	}

	it("goes on where the collector was, when it comes back", async () => {
		await using resources = new AsyncDisposableStack();
		const { fixture, collector, deliver } = await stage(resources);
		const held = Promise.withResolvers<void>();
		const reached = Promise.withResolvers<void>();
		collector.beforeAck = async () => {
			reached.resolve();
			await held.promise;
		};
		const delivery = deliver();
		await fixture.capture("c0", "vm", CHUNKS);
		await reached.promise;
		collector.crash();
		collector.beforeAck = async () => {};
		held.resolve();
		await collector.listen();
		assert.equal(await delivery.delivered("c0", NEVER), undefined);
		assert.equal(delivery.failed.aborted, false);
	});

	it("ends at once where it may not bring anything, and lets nobody wait for room", async () => {
		await using resources = new AsyncDisposableStack();
		const { fixture, collector, deliver } = await stage(resources);
		collector.failUploads = status.UNAUTHENTICATED;
		const delivery = deliver();
		await fixture.capture("c0", "vm", CHUNKS);
		await assert.rejects(delivery.delivered("c0", NEVER), (error) => isUmbraError(error, "denied"));
		assert.ok(delivery.failed.aborted);
		assert.equal(fixture.spool.changesets().length, 1, "it is kept for the next time");
	});

	it("stops waiting when it is told to", async () => {
		await using resources = new AsyncDisposableStack();
		const { fixture, collector, deliver } = await stage(resources);
		collector.beforeAck = () => new Promise(() => {});
		const delivery = deliver();
		await fixture.capture("c0", "vm", CHUNKS);
		const stop = new AbortController();
		const waiting = delivery.delivered("c0", stop.signal);
		stop.abort(new Error("enough"));
		await assert.rejects(waiting, new Error("enough"));
	});
});

describe("askForShadow", () => {
	it("says that the collector is too old, where it is", async () => {
		await using resources = new AsyncDisposableStack();
		const { link } = await stage(resources);
		await assert.rejects(
			askForShadow(link, "vm", NEVER),
			(error) => isUmbraError(error, "unsupported") && /older than this command/.test(error.hint ?? ""),
		);
	});

	it("says how to name another collector, where there is none", async () => {
		await using resources = new AsyncDisposableStack();
		const { link, collector } = await stage(resources);
		collector.crash();
		await assert.rejects(
			askForShadow(link, "vm", NEVER),
			(error) => isUmbraError(error, "unavailable") && /--address/.test(error.hint ?? ""),
		);
	});
});
