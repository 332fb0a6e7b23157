/** For tests: an agent that reads some of QEMU's stream and then no more, until it is killed. */
import { RamRelay } from "./ram-relay.ts";

const relay = await RamRelay.start(process.argv[2] as string);
process.stdout.write("listens\n");
setInterval(() => {}, 60_000);
for await (const piece of relay.pieces()) {
	process.stdout.write(`read ${piece.length}\n`);
	await new Promise(() => {});
}
