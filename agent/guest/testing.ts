/** For tests: a guest agent that says what its script has it say, at the other end of a real channel. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Channel } from "../trial/channel.ts";

export interface Asked {
	readonly execute: string;
	readonly arguments: Readonly<Record<string, unknown>>;
}

/** Answers what it was asked by writing to `socket`, or does not. */
export type Script = (asked: Asked, socket: Socket) => void;

export class ScriptedAgent implements AsyncDisposable {
	readonly channel: Channel;
	readonly socket: Socket;
	/** By name, in the order in which they came. */
	readonly asked: string[] = [];

	private constructor(channel: Channel, socket: Socket) {
		this.channel = channel;
		this.socket = socket;
	}

	static async start(folder: string, script: Script): Promise<ScriptedAgent> {
		const name = "org.qemu.guest_agent.0";
		const channel = await Channel.listen({ kind: "guest-agent", name, socket: "agent" }, folder);
		const socket = connect(`${folder}/agent`);
		await once(socket, "connect");
		const agent = new ScriptedAgent(channel, socket);
		let received = "";
		socket.on("data", (bytes) => {
			const lines = (received + bytes.toString("latin1").replaceAll("\xff", "")).split("\n");
			received = lines.pop() ?? "";
			for (const line of lines) {
				const asked = JSON.parse(line) as Asked;
				agent.asked.push(asked.execute);
				script(asked, socket);
			}
		});
		return agent;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.socket.destroy();
		await this.channel[Symbol.asyncDispose]();
	}
}

/** What a well-behaved agent says to what every client asks first; false for anything else. */
export function answeredCommon({ execute, arguments: args }: Asked, socket: Socket): boolean {
	if (execute === "guest-sync-delimited")
		socket.write(Buffer.concat([Buffer.from([0xff]), line({ return: args["id"] })]));
	else if (execute === "guest-info") socket.write(line({ return: { supported_commands: [] } }));
	else if (execute === "guest-ping") socket.write(line({ return: {} }));
	else return false;
	return true;
}

export function line(value: unknown): Buffer {
	return Buffer.from(`${JSON.stringify(value)}\n`);
}
