/** What answers are made of: the words in which the schemas of the API are written. */

export type Schema = Readonly<Record<string, unknown>>;
type OptionalKeys<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T];

/** An object of type `T`; what it may lack stands apart. */
export function shape<T extends object>(
	properties: { readonly [K in Exclude<keyof T, OptionalKeys<T>>]: Schema },
	...optional: [OptionalKeys<T>] extends [never] ? [] : [{ readonly [K in OptionalKeys<T>]-?: Schema }]
) {
	return { type: "object", required: Object.keys(properties), properties: { ...properties, ...optional[0] } };
}

export const text: Schema = { type: "string" };
export const flag: Schema = { type: "boolean" };
export const count: Schema = { type: "integer", minimum: 0 };
export const number: Schema = { type: "number" };
export const bytes: Schema = { type: "integer", minimum: 0, description: "bytes" };
export const seconds: Schema = { type: "number", description: "seconds since 1970" };
export const time: Schema = { type: "string", pattern: "^[0-9]{1,20}$", description: "Unix nanoseconds, decimal" };
export const root: Schema = {
	type: "string",
	pattern: "^[0-9a-f]{64}$",
	description: "Merkle root: equal roots, equal disks",
};
export const hash: Schema = { type: "string", pattern: "^[0-9a-f]{64}$", description: "BLAKE3" };
export const chainHead: Schema = { type: "string", pattern: "^[1-9][0-9]*:[0-9a-f]{64}$" };
export const milliseconds: Schema = { type: "number", description: "milliseconds" };

export function list(items: Schema): Schema {
	return { type: "array", items };
}

export function nullable(schema: Schema): Schema {
	return { anyOf: [schema, { type: "null" }] };
}

export function withDescription(schema: Schema, description: string): Schema {
	return { ...schema, description };
}

/** Every value of `T`. */
export function oneOf<T extends string>(values: { readonly [K in T]: true }): Schema {
	return { type: "string", enum: Object.keys(values) };
}

/** One of `SHAPES`; a name that is none fails when the document is made. */
export function ref(name: string): Schema {
	return { $ref: `${name}#` };
}
