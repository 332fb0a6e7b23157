/** For tests: whether what the API answers is what its OpenAPI document says. */
import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

type Json = Readonly<Record<string, unknown>>;

export interface OpenApi {
	readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
	readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

export interface DocumentedOperation {
	readonly operationId: string;
	readonly summary?: string;
	readonly tags: readonly string[];
	readonly parameters?: readonly { readonly name: string; readonly in: string; readonly description?: string }[];
	readonly responses: Readonly<
		Record<
			string,
			{
				readonly description: string;
				readonly headers?: Json;
				readonly content?: Record<string, { readonly schema?: Json }>;
			}
		>
	>;
}

export class Conformance {
	/** `operationId status` of everything that was checked. */
	readonly seen = new Set<string>();
	readonly #document: OpenApi;
	readonly #ajv: Ajv2020;
	readonly #validators = new Map<string, ValidateFunction>();

	constructor(document: OpenApi) {
		// What the document does not know fails here, though clients have to bear it.
		this.#document = closed(document) as OpenApi;
		this.#ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, strictRequired: false });
		for (const [name, schema] of Object.entries(this.#document.components.schemas)) {
			this.#ajv.addSchema(schema, `#/components/schemas/${name}`);
		}
	}

	/** `body` is parsed where the answer is JSON. */
	check(
		method: string,
		url: string,
		response: { readonly status: number; readonly headers: Headers },
		body: unknown,
	): void {
		const { operationId, responses, parameters = [] } = this.#find(method, url);
		const { status, headers } = response;
		const code = [String(status), `${String(status)[0]}XX`].find((each) => responses[each] !== undefined);
		const what = `${method} ${url}: ${operationId} ${status}`;
		assert.ok(code !== undefined, `${what} is not documented`);
		this.seen.add(`${operationId} ${status}`);
		for (const [name] of new URL(url, "http://x").searchParams) {
			const known = parameters.some((each) => each.in === "query" && each.name === name);
			assert.ok(known || status >= 400, `${what}: the parameter ${name} is not documented`);
		}
		for (const name of Object.keys(responses[code]!.headers ?? {})) {
			assert.ok(headers.has(name), `${what} lacks the header ${name}`);
		}
		const type = headers.get("content-type")?.replace(/;.*/, "") ?? "";
		const { content } = responses[code]!;
		if (content === undefined) {
			assert.equal(type, "", what);
			return;
		}
		const media = content[type];
		assert.ok(media?.schema !== undefined, `${what}: ${type} is not documented`);
		if (type !== "application/json") return;
		const validate = this.#validator(`${operationId} ${code}`, media.schema);
		assert.ok(validate(body), `${what}: ${JSON.stringify(validate.errors?.slice(0, 5), null, 1)}`);
	}

	/** Ids of all operations of one method. */
	operations(method: string): string[] {
		return Object.values(this.#document.paths).flatMap((path) => path[method]?.operationId ?? []);
	}

	#validator(key: string, schema: Json): ValidateFunction {
		let validate = this.#validators.get(key);
		if (validate === undefined) {
			validate = this.#ajv.compile(schema);
			this.#validators.set(key, validate);
		}
		return validate;
	}

	#find(method: string, url: string): DocumentedOperation {
		const { pathname } = new URL(url, "http://x");
		for (const [template, operations] of Object.entries(this.#document.paths)) {
			const pattern = new RegExp(`^${template.replaceAll(/[.]/g, "\\.").replaceAll(/\{[^}]+\}/g, "[^/]+")}$`);
			const operation = operations[method.toLowerCase()];
			if (pattern.test(pathname) && operation !== undefined) return operation;
		}
		throw new Error(`${method} ${pathname} is not documented`);
	}
}

/** Every object that names its properties takes no others. */
function closed(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(closed);
	if (typeof value !== "object" || value === null) return value;
	const schema = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)])) as Json;
	const isOpen = schema["type"] === "object" && "properties" in schema && !("additionalProperties" in schema);
	return isOpen ? { ...schema, additionalProperties: false } : schema;
}
