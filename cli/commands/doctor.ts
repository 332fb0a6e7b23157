/** `umbra doctor`: what this host lacks, and how to get it. */
import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { promisify } from "node:util";
import type { Command } from "commander";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { paint, table } from "../table.ts";

const run = promisify(execFile);

type State = "ok" | "missing" | "optional";

interface Finding {
	readonly what: string;
	readonly state: State;
	readonly detail: string;
}

interface Program {
	readonly name: string;
	readonly arguments: readonly string[];
	readonly why: string;
	readonly package: string;
	readonly optional: boolean;
	/** Smallest major.minor that will do. */
	readonly least?: readonly [number, number];
}

const PROGRAMS: readonly Program[] = [
	{
		name: "qemu-img",
		arguments: ["--version"],
		why: "images that are not raw",
		package: "qemu-utils",
		optional: false,
	},
	{
		name: "qemu-nbd",
		arguments: ["--version"],
		why: "images that are not raw",
		package: "qemu-utils",
		optional: false,
	},
	{
		name: `qemu-system-${process.arch === "arm64" ? "aarch64" : "x86_64"}`,
		arguments: ["--version"],
		why: "VMs on this host; snapshots need 7.2 or later",
		package: process.arch === "arm64" ? "qemu-system-arm" : "qemu-system-x86",
		optional: false,
		least: [7, 2],
	},
	{ name: "perl", arguments: ["-v"], why: "trials on this host", package: "perl-base", optional: true },
	{ name: "setpriv", arguments: ["--version"], why: "trials on this host", package: "util-linux", optional: true },
	{ name: "unshare", arguments: ["--version"], why: "trials on this host", package: "util-linux", optional: true },
	{ name: "mke2fs", arguments: ["-V"], why: "the demo's guest", package: "e2fsprogs", optional: true },
	{ name: "busybox", arguments: ["--help"], why: "the demo's guest", package: "busybox-static", optional: true },
];

export function register(program: Command): void {
	program
		.command("doctor")
		.description("what this host lacks, and how to get it")
		.option("--json", "one object a line")
		.action(async (options: { readonly json?: true }) => {
			const findings = [
				nodeFinding(),
				await nativeFinding(),
				...(await Promise.all(PROGRAMS.map(programFinding))),
				await kvmFinding(),
			];
			if (options.json) for (const finding of findings) console.log(JSON.stringify(finding));
			else {
				const lines = table(findings, [
					{
						title: "",
						value: ({ state }) =>
							state === "ok" ? paint("green", "ok") : paint(state === "missing" ? "red" : "yellow", state),
					},
					{ title: "WHAT", value: ({ what }) => what },
					{ title: "DETAIL", value: ({ detail }) => detail },
				]);
				for (const line of lines) console.log(line);
			}
			if (findings.some(({ state }) => state === "missing")) {
				throw new UmbraError("unavailable", "this host lacks something that Umbra needs", {
					hint: "the list above says what to install; on Debian and Ubuntu: sh packaging/bootstrap.sh demo",
				});
			}
		});
}

function nodeFinding(): Finding {
	const major = Number(process.versions.node.split(".")[0]);
	return { what: "node", state: major >= 24 ? "ok" : "missing", detail: `${process.version} at ${process.execPath}` };
}

async function nativeFinding(): Promise<Finding> {
	try {
		const { blake3Name } = await import("../../common/block.ts");
		const block = Buffer.alloc(65536, 1);
		const start = performance.now();
		for (let round = 0; round < 2000; round++) blake3Name(block);
		const speed = (2000 * 65536) / (performance.now() - start) / 1e6;
		return { what: "BLAKE3", state: "ok", detail: `native, ${speed.toFixed(1)} GB/s a core` };
	} catch (error) {
		return { what: "BLAKE3", state: "missing", detail: `${messageOf(error)}: run npm ci` };
	}
}

async function programFinding(program: Program): Promise<Finding> {
	const { name, why, package: pkg, optional, least } = program;
	const lack = (detail: string): Finding => ({
		what: name,
		state: optional ? "optional" : "missing",
		detail: `${detail}; for ${why}: apt-get install ${pkg}`,
	});
	try {
		const { stdout, stderr } = await run(name, program.arguments);
		const version = /(\d+)\.(\d+)(?:\.\d+)?/.exec(stdout + stderr);
		if (least !== undefined && version !== null) {
			const [major, minor] = [Number(version[1]), Number(version[2])];
			if (major < least[0] || (major === least[0] && minor < least[1]))
				return lack(`version ${version[0]}, wanted ${least.join(".")}`);
		}
		return { what: name, state: "ok", detail: version?.[0] ?? "" };
	} catch {
		return lack("not found");
	}
}

async function kvmFinding(): Promise<Finding> {
	try {
		await access("/dev/kvm", constants.R_OK | constants.W_OK);
		return {
			what: "/dev/kvm",
			state: "ok",
			detail: "present; the demo proves it by a trial boot before it relies on it",
		};
	} catch {
		return {
			what: "/dev/kvm",
			state: "optional",
			detail: "not usable: guests started by Umbra run under software emulation",
		};
	}
}
