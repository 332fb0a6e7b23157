import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import type { Link } from "../filesystem.ts";
import { diffLinks } from "./links.ts";
import { pairNodes } from "./nodes.ts";

const keyOf = ({ parent, name, inode }: Link): string => `${parent}/${name}=${inode}`;
const keysOf = (changes: ReadonlyMap<number, readonly Link[]>): string[] =>
	[...changes.values()].flat().map(keyOf).sort();

describe("diffLinks", () => {
	it("finds what a comparison of sets finds, in whatever order directories are listed", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 300; round++) {
			const pool = Array.from({ length: 60 }, (_, at) => ({
				parent: random.below(6),
				name: `n${at % 40}`,
				inode: random.below(30),
			}));
			const unique = [...new Map(pool.map((link) => [`${link.parent}/${link.name}`, link])).values()];
			const arrange = (links: Link[]) => (random.chance(0.5) ? links : random.shuffle(links));
			const before = arrange(unique.filter(() => random.chance(0.9)));
			const after = arrange(
				unique.filter(() => random.chance(0.9)).map((link) => (random.chance(0.05) ? { ...link, inode: 99 } : link)),
			);
			const { removed, added, directories } = diffLinks(before, after);
			const old = new Set(before.map(keyOf));
			const now = new Set(after.map(keyOf));
			assert.deepEqual(keysOf(removed), [...old].filter((key) => !now.has(key)).sort());
			assert.deepEqual(keysOf(added), [...now].filter((key) => !old.has(key)).sort());
			const touched = [...removed.values(), ...added.values()].flat().map(({ parent }) => parent);
			assert.deepEqual(directories, new Set(touched));
		}
	});

	it("tells of a name that a damaged directory holds more than once what came and went of it", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 300; round++) {
			const side = () =>
				Array.from({ length: random.below(12) }, () => ({
					parent: random.below(2),
					name: `n${random.below(2)}`,
					inode: random.below(3),
				}));
			const before = side();
			const after = random.shuffle(random.chance(0.5) ? side() : before.filter(() => random.chance(0.8)));
			const { removed, added } = diffLinks(before, after);
			assert.deepEqual(keysOf(removed), without(before.map(keyOf), after.map(keyOf)), `seed ${random.seed}`);
			assert.deepEqual(keysOf(added), without(after.map(keyOf), before.map(keyOf)), `seed ${random.seed}`);
		}

		function without(from: readonly string[], taken: readonly string[]): string[] {
			const left = [...from].sort();
			for (const key of taken) if (left.includes(key)) left.splice(left.indexOf(key), 1);
			return left;
		}
	});

	it("takes all names of a replaced directory for different ones", () => {
		const links = [{ parent: 5, name: "x", inode: 6 }];
		const { removed, added } = diffLinks(links, links, new Set([5]));
		assert.deepEqual([keysOf(removed), keysOf(added)], [["5/x=6"], ["5/x=6"]]);
	});
});

describe("pairNodes", () => {
	it("visits every inode of either side once, whatever their order", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 300; round++) {
			const side = () => {
				const inodes = Array.from({ length: 30 }, (_, at) => at).filter(() => random.chance(0.7));
				const nodes = (random.chance(0.5) ? inodes : random.shuffle(inodes)).map(
					(inode) => [inode, { inode }] as const,
				);
				return new Map(nodes) as unknown as Parameters<typeof pairNodes>[0];
			};
			const before = side();
			const after = side();
			const seen = new Set<number>();
			pairNodes(before, after, (old, now) => {
				const inode = (old ?? now)!.inode;
				assert.equal(old, before.get(inode));
				assert.equal(now, after.get(inode));
				assert.ok(!seen.has(inode));
				seen.add(inode);
			});
			assert.deepEqual(seen, new Set([...before.keys(), ...after.keys(), ...seen]));
		}
	});
});
