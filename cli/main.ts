/**
 * `cli/` is the `umbra` command: arguments in, tables and JSON out. Each command is a file in
 * `commands/` that loads what it needs only when it runs, so that `umbra --help` stays quick.
 */
import { Command, CommanderError } from "commander";
import { type ErrorCode, errnoOf, isUmbraError, messageOf } from "../common/errors.ts";
import { VERSION } from "../common/version.ts";
import { registerCommands } from "./commands/index.ts";
import { printable } from "./printable.ts";

/** Exit codes, in one place: 0 done, 1 failed, 2 bad usage or config, 3 not found, 4 refused. */
const EXIT_CODES: Readonly<Partial<Record<ErrorCode, number>>> = { "bad-config": 2, "not-found": 3, denied: 4 };

function report(error: unknown): number {
	if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
	if (!isUmbraError(error)) {
		console.error(error);
		return 1;
	}
	// Names of files come from guests, and end up in messages.
	console.error(`umbra: ${printable(error.message)}`);
	if (error.cause !== undefined && process.env["UMBRA_DEBUG"] !== undefined) console.error(error.cause);
	if (error.hint !== undefined) console.error(`hint: ${error.hint}`);
	return EXIT_CODES[error.code] ?? 1;
}

// A reader that goes away is no failure, neither of help: `umbra ls --help | head`.
process.stdout.on("error", (error) => {
	if (errnoOf(error) !== "EPIPE") throw error;
});

const program = new Command("umbra")
	.description(
		"Shadows virtual machines from the outside: which files changed, how abnormal that is, any past state back",
	)
	.version(VERSION)
	.showHelpAfterError("(umbra --help lists the commands)")
	.exitOverride();
await registerCommands(program, process.argv[2]);
for (const command of program.commands) command.exitOverride();

try {
	await program.parseAsync();
} catch (error) {
	process.exitCode = report(error);
	if (!isUmbraError(error) && !(error instanceof CommanderError)) console.error(`umbra: ${messageOf(error)}`);
}
