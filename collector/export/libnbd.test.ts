/** The NBD server, told to do what its protocol knows by libnbd's own tools. What is asserted stands in their Python. */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { BLOCK_SIZE } from "../../common/block.ts";
import { assertBytes, errorOf, sampleDisk, serve } from "../../disk/source/testing.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { until } from "../../test/support/wait.ts";
import { flipBit } from "../vault/testing.ts";
import { ExportSite } from "./testing.ts";

const DISK = sampleDisk(9_000_003);
/** Longer than the longest request; all zero but for what stands at its beginning and its end. */
const SPARSE = Buffer.alloc(40 * 2 ** 20 + 1);
SPARSE.fill(0x11, 0, 100);
SPARSE[SPARSE.length - 1] = 0x22;
/** The distribution's Python is the one that its libnbd belongs to. */
const PATH = `/usr/bin:/bin:${process.env["PATH"]}`;

/** What every script may use: the contents of the disks, and ways to connect. */
const PRELUDE = `
import errno, os, random, sys
import nbd
path, folder, seed = sys.argv[1:4]
disks = {name: open(os.path.join(folder, name), "rb").read() for name in ("vda", "sparse")}
disk = disks["vda"]
size = len(disk)
block = ${BLOCK_SIZE}
most = 32 * 2 ** 20
random.seed(int(seed))

def connect(name="vda", contexts=("base:allocation",), prepare=lambda h: None):
    h = nbd.NBD()
    h.set_export_name(name)
    for context in contexts:
        h.add_meta_context(context)
    prepare(h)
    h.connect_unix(path)
    return h

def refused(wanted, action):
    """The request reaches the server, which refuses it; the connection goes on."""
    try:
        action()
    except nbd.Error as error:
        assert error.errnum == wanted, error
        return str(error)
    raise AssertionError("it was not refused")

def careless(h):
    """Sends what libnbd would refuse by itself."""
    h.set_strict_mode(0)
    return h

def works(h):
    assert h.pread(1000, 70000) == disk[70000:71000]
`;

const SCRIPTS: readonly (readonly [title: string, script: string])[] = [
	[
		"is asked about its exports one after another before one is chosen",
		`
h = nbd.NBD()
h.set_opt_mode(True)
h.add_meta_context("base:allocation")
h.connect_unix(path)
assert h.get_protocol() == "newstyle-fixed"
found = []
assert h.opt_list(lambda name, description: found.append((name, description))) == 2
assert found == [(name, f"web1 at 2025-11-21T19:48:03.123Z, disk {name}") for name in ("vda", "sparse")], found
for name in ("sparse", "vda", "sparse"):
    h.set_export_name(name)
    h.opt_info()
    assert h.get_size() == len(disks[name])
    assert h.is_read_only() and h.can_meta_context("base:allocation")
h.set_export_name("vdb")
refused(errno.ENOENT, h.opt_info)
refused(errno.ENOENT, h.opt_go)
h.set_export_name("vda")
for queries, wanted in ((["base:allocation"], 1), (["base:"], 1), (["qemu:"], 0), ([], 1), (["x:y", "base:allocation"], 1)):
    h.clear_meta_contexts()
    for query in queries:
        h.add_meta_context(query)
    contexts = []
    assert h.opt_list_meta_context(contexts.append) == wanted, queries
    assert contexts == ["base:allocation"] * wanted
h.clear_meta_contexts()
h.add_meta_context("base:allocation")
h.opt_go()
works(h)
h.shutdown()
`,
	],
	[
		"is left in the middle of the handshake",
		`
h = nbd.NBD()
h.set_opt_mode(True)
h.connect_unix(path)
h.opt_abort()
assert h.aio_is_closed()
`,
	],
	[
		"refuses TLS, which a client may do without or not",
		`
assert nbd.NBD().supports_tls()
def tls(mode):
    def prepare(h):
        h.set_tls(mode)
        h.set_tls_verify_peer(False)
    return prepare
h = connect(prepare=tls(nbd.TLS_ALLOW))
assert not h.get_tls_negotiated()
works(h)
try:
    connect(prepare=tls(nbd.TLS_REQUIRE))
    raise AssertionError("connected without TLS")
except nbd.Error as error:
    assert "TLS" in str(error), error
`,
	],
	[
		"serves clients that know less: no structured replies, no fixed newstyle, no saving of zeroes",
		`
for structured in (True, False):
    for flags in (0, nbd.HANDSHAKE_FLAG_FIXED_NEWSTYLE, nbd.HANDSHAKE_FLAG_NO_ZEROES, nbd.HANDSHAKE_FLAG_MASK):
        def prepare(h):
            h.set_request_structured_replies(structured)
            h.set_handshake_flags(flags)
        h = connect(prepare=prepare)
        fixed = flags & nbd.HANDSHAKE_FLAG_FIXED_NEWSTYLE != 0
        assert h.get_protocol() == ("newstyle-fixed" if fixed else "newstyle")
        assert h.get_structured_replies_negotiated() == (structured and fixed)
        assert h.can_meta_context("base:allocation") == (structured and fixed)
        assert h.can_df() == (structured and fixed)
        assert h.get_size() == size and h.is_read_only() and h.can_multi_conn()
        works(h)
        assert h.pread(3 * 2 ** 20, 2 ** 20 + 7) == disk[2 ** 20 + 7:4 * 2 ** 20 + 7]
        h.shutdown()
`,
	],
	[
		"gives every byte of a structured read once, in data and in holes, at odd offsets too",
		`
h = connect()
kinds = set()
def read(length, offset, flags=0):
    seen = bytearray(length)
    chunks = []
    def chunk(data, at, status, error):
        assert error.value == 0
        first = at - offset
        assert not any(seen[first:first + len(data)]), "twice"
        seen[first:first + len(data)] = b"x" * len(data)
        assert data == disk[at:at + len(data)]
        assert status == nbd.READ_DATA or (status == nbd.READ_HOLE and not any(data))
        chunks.append(status)
    assert h.pread_structured(length, offset, chunk, flags) == disk[offset:offset + length]
    assert all(seen)
    kinds.update(chunks)
    return chunks
hole = 2 * 2 ** 20
assert read(1, hole - 1) == [nbd.READ_DATA]
assert read(1, hole) == [nbd.READ_HOLE]
assert sorted(read(2, hole - 1)) == [nbd.READ_DATA, nbd.READ_HOLE]
assert read(2, hole - 1, nbd.CMD_FLAG_DF) == [nbd.READ_DATA]
assert read(size, 0, nbd.CMD_FLAG_DF) == [nbd.READ_DATA]
assert len(read(size, 0)) > 10
for _ in range(100):
    offset = random.randrange(size)
    read(min(random.randrange(1, 500000), size - offset), offset, random.choice((0, nbd.CMD_FLAG_DF)))
assert kinds == {nbd.READ_DATA, nbd.READ_HOLE}
`,
	],
	[
		"tells what is allocated, from anywhere to anywhere, and never what is not so",
		`
h = connect()
def status(length, offset, flags=0):
    runs = []
    def extent(context, at, entries, error):
        assert context == "base:allocation" and at == offset
        runs.extend(zip(entries[::2], entries[1::2]))
    h.block_status(length, offset, extent, flags)
    at = offset
    for run, flag in runs:
        assert run > 0 and flag in (0, nbd.STATE_HOLE | nbd.STATE_ZERO)
        part = disk[at:min(at + run, size)]
        assert flag == 0 or not any(part), at
        at += run
    return runs
assert sum(run for run, _ in status(size, 0)) == size
assert len(status(size, 0)) > 3
assert len(status(size, 0, nbd.CMD_FLAG_REQ_ONE)) == 1
for _ in range(100):
    offset = random.randrange(size)
    length = random.randrange(1, size - offset + 1)
    flags = random.choice((0, nbd.CMD_FLAG_REQ_ONE))
    found = sum(run for run, _ in status(length, offset, flags))
    assert found == length or (flags != 0 and 0 < found < length)
without = careless(connect(contexts=()))
assert not without.can_meta_context("base:allocation")
refused(errno.EINVAL, lambda: without.block_status(512, 0, lambda *_: 0))
works(without)
`,
	],
	[
		"keeps to the limits that it told",
		`
h = careless(connect("sparse"))
assert h.get_block_size(nbd.SIZE_MINIMUM) == 1
assert h.get_block_size(nbd.SIZE_PREFERRED) == block
assert h.get_block_size(nbd.SIZE_MAXIMUM) == most
for flags in (0, nbd.CMD_FLAG_DF):
    assert h.pread(most, 1, flags) == disks["sparse"][1:most + 1]
    refused(errno.EINVAL, lambda: h.pread(most + 1, 0, flags))
assert h.pread(1, h.get_size() - 1) == b"\\x22"
for length, offset in ((2, h.get_size() - 1), (1, h.get_size()), (512, 2 ** 62), (512, 2 ** 64 - 512), (512, 2 ** 64 - 1)):
    refused(errno.EINVAL, lambda: h.pread(length, offset))
    refused(errno.EINVAL, lambda: h.block_status(length, offset, lambda *_: 0))
    refused(errno.EINVAL, lambda: h.cache(length, offset))
assert h.pread(100, 0) == b"\\x11" * 100
`,
	],
	[
		"refuses what it does not offer, and goes on",
		`
for structured in (True, False):
    h = careless(connect(prepare=lambda h: h.set_request_structured_replies(structured)))
    assert not (h.can_trim() or h.can_zero() or h.can_flush() or h.can_fua() or h.can_fast_zero())
    refused(errno.EPERM, lambda: h.pwrite(b"x" * 512, 0))
    refused(errno.EPERM, lambda: h.pwrite(b"x" * 2 ** 20, 0, nbd.CMD_FLAG_FUA))
    refused(errno.EPERM, lambda: h.trim(512, 0))
    refused(errno.EPERM, lambda: h.zero(512, 0))
    refused(errno.EINVAL, h.flush)
    refused(errno.EINVAL, lambda: h.pread(512, 0, nbd.CMD_FLAG_FUA))
    refused(errno.EINVAL, lambda: h.pread(512, 0, nbd.CMD_FLAG_REQ_ONE))
    refused(errno.EINVAL, lambda: h.cache(512, 0, nbd.CMD_FLAG_DF))
    assert h.pread(0, 0) == b""
    h.cache(size, 0)
    works(h)
`,
	],
	[
		"answers many requests on several connections, in whatever order",
		`
handles = [connect() for _ in range(4)]
for h in handles:
    assert h.can_multi_conn()
waiting = []
for number in range(400):
    h = handles[number % 4]
    offset = random.randrange(size)
    length = min(random.choice((1, 512, 65536, 65537, 1000000)), size - offset)
    into = nbd.Buffer(length)
    waiting.append((h, h.aio_pread(into, offset), into, offset, length))
assert all(h.aio_in_flight() > 0 for h in handles)
while waiting:
    for h in handles:
        if h.aio_in_flight() > 0:
            h.poll(10)
    for one in [one for one in waiting if one[0].aio_command_completed(one[1])]:
        h, _, into, offset, length = one
        assert into.to_bytearray() == disk[offset:offset + length]
        waiting.remove(one)
for h in handles:
    h.shutdown()
`,
	],
	[
		"answers what was asked before the goodbye, and bears clients that go without one",
		`
for how in ("goodbye", "abandon", "vanish"):
    for _ in range(4):
        h = connect()
        waiting = []
        for number in range(50):
            into, offset = nbd.Buffer(200000), random.randrange(size - 200000)
            waiting.append((h.aio_pread(into, offset), into, offset))
        if how == "goodbye":
            h.aio_disconnect()
            while not h.aio_is_closed():
                assert not h.aio_is_dead()
                h.poll(-1)
            for cookie, into, offset in waiting:
                assert h.aio_command_completed(cookie), "no answer"
                assert into.to_bytearray() == disk[offset:offset + 200000]
        elif how == "abandon":
            h.shutdown(nbd.SHUTDOWN_ABANDON_PENDING)
        del h
works(connect())
`,
	],
];

describe("the NBD server, by libnbd's shell", needs("nbdsh"), () => {
	let site: ExportSite;
	let socket: string;
	before(async () => {
		site = await ExportSite.start({ vda: DISK, sparse: SPARSE });
		await Promise.all([writeFile(site.folder.file("vda"), DISK), writeFile(site.folder.file("sparse"), SPARSE)]);
		socket = (await site.open()).listen.replace("unix:", "");
	});
	after(async () => await site[Symbol.asyncDispose]());

	for (const [title, script] of SCRIPTS) {
		it(title, async (context) => {
			await shell(PRELUDE + script, [socket, site.folder.path, String(testRandom(context).seed)]);
			await until(() => site.exports.list()[0]!.connections === 0, { what: "its connections are gone" });
		});
	}

	it("names the place of damage within a structured read, whose other chunks are good", async () => {
		await using damaged = await ExportSite.start({ vda: DISK, sparse: SPARSE }, async (vault) => {
			const packs = join(vault, "packs");
			const [pack] = (await readdir(packs)).sort();
			await flipBit(join(packs, pack!), 24 + 2 * 52 + BLOCK_SIZE + 1000);
		});
		await Promise.all([writeFile(damaged.folder.file("vda"), DISK), writeFile(damaged.folder.file("sparse"), SPARSE)]);
		const script = `
h = connect()
good, bad = [], []
def chunk(data, at, status, error):
    if status == nbd.READ_ERROR:
        bad.append((at, error.value))
    else:
        assert data == disk[at:at + len(data)]
        good.append(len(data))
message = refused(errno.EIO, lambda: h.pread_structured(4 * 2 ** 20, 0, chunk))
assert bad == [(block, errno.EIO)], bad
assert sum(good) >= 3 * 2 ** 20, sum(good)
assert h.pread(block, 0) == disk[:block]
assert h.pread(block, 2 * block) == disk[2 * block:3 * block]
refused(errno.EIO, lambda: h.pread(1, 2 * block - 1))
`;
		const open = (await damaged.open()).listen.replace("unix:", "");
		await shell(PRELUDE + script, [open, damaged.folder.path, "1"]);
	});
});

describe("an export, copied by nbdcopy", needs("nbdcopy", "nbdinfo", "nbdkit", "qemu-img"), () => {
	it("comes out as it is, however it is asked for", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		const { uri } = (await site.open()).disks[0]!;
		for (const [at, options] of [
			["--connections=4", "--requests=64", "--threads=4"],
			["--synchronous"],
			["--connections=1", "--requests=1", "--request-size=4096"],
			["--request-size=33554432", "--no-extents"],
			["--allocated", "--sparse=0"],
		].entries()) {
			const copy = site.folder.file(`copy${at}`);
			await runProgram("nbdcopy", [...options, uri, copy]);
			assertBytes(await readFile(copy), DISK, options.join(" "));
		}
	});

	it("goes straight into another server, and is there what it was", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		const { uri } = (await site.open()).disks[0]!;
		const other = site.folder.file("other.sock");
		await using _server = await serve(other, "nbdkit", "-f", "-U", other, "memory", String(DISK.length));
		const target = `nbd+unix:///?socket=${other}`;
		await runProgram("nbdcopy", ["--connections=4", uri, target]);
		assert.match(await runProgram("qemu-img", ["compare", "-f", "raw", "-F", "raw", uri, target]), /identical/);
	});

	it("is not written to: a copy the other way is refused, and the point is what it was", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		const { uri } = (await site.open()).disks[0]!;
		const image = site.folder.file("image");
		await writeFile(image, Buffer.alloc(DISK.length, 1));
		assert.match((await errorOf(runProgram("nbdcopy", [image, uri]))).message, /read-only/);
		const back = site.folder.file("back");
		await runProgram("nbdcopy", [uri, back]);
		assertBytes(await readFile(back), DISK, "after the attempt");
	});

	it("is told of by nbdinfo and mapped by qemu-img alike", async () => {
		await using site = await ExportSite.start({ vda: DISK });
		const { uri } = (await site.open()).disks[0]!;
		assert.equal((await runProgram("nbdinfo", ["--size", uri])).trim(), String(DISK.length));
		await runProgram("nbdinfo", ["--is", "read-only", uri]);
		await runProgram("nbdinfo", ["--can", "multi-conn", uri]);
		await assert.rejects(runProgram("nbdinfo", ["--can", "write", uri]));
		const totals = JSON.parse(await runProgram("nbdinfo", ["--map", "--totals", "--json", uri]));
		const zeroes = (found: { type: number }) => found.type === 3;
		const wanted = zeroBlocks(DISK);
		assert.equal(totals.find(zeroes).size, wanted);
		const map: { length: number; zero: boolean; data: boolean }[] = JSON.parse(
			await runProgram("qemu-img", ["map", "-f", "raw", "--output=json", uri]),
		);
		const sum = (runs: typeof map) => runs.reduce((total, { length }) => total + length, 0);
		// QEMU counts in sectors; what it makes of the rest of the last one is its own.
		const rest = (-DISK.length & 511) >>> 0;
		assert.equal(sum(map), DISK.length + rest);
		const zero = sum(map.filter((run) => run.zero && !run.data));
		assert.ok(zero === wanted || zero === wanted + rest, `${zero}, not ${wanted}`);
	});
});

/** Bytes of the blocks that hold nothing but zeroes. */
function zeroBlocks(disk: Uint8Array): number {
	let bytes = 0;
	for (let at = 0; at < disk.length; at += BLOCK_SIZE) {
		const block = disk.subarray(at, at + BLOCK_SIZE);
		if (block.every((byte) => byte === 0)) bytes += block.length;
	}
	return bytes;
}

/** Runs Python with libnbd, as nbdsh does, but with arguments; fails with what it says. */
async function shell(code: string, args: readonly string[]): Promise<void> {
	await runProgram("/usr/bin/env", ["python3", "-c", code, ...args], { env: { PATH } });
}
