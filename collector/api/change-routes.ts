/** /v1/vms/:vm/changes: what changed when, as a list, for one path, and one changeset with all its files. */
import type { FastifyInstance } from "fastify";
import type { ChangesetRecord, FileChangeRecord } from "../catalog/records.ts";
import { type ApiContext, findPoint, unknownVm } from "./context.ts";
import {
	fields,
	object,
	type PageQuery,
	type PointParams,
	pageFields,
	pointParams,
	type VmParams,
	vmParams,
} from "./schemas.ts";
import { parseTime } from "./time.ts";

/** Files shown with each changeset of a listing; `/changes/:time` has them all. */
const LISTED_FILES = 100;

interface ChangeQuery extends PageQuery {
	readonly since?: string;
	readonly until?: string;
	readonly order: "newest" | "oldest";
	readonly files: "0" | "1" | "false" | "true";
	readonly path?: string;
}

/** A changeset of a listing; `files` where they were asked for. */
interface ChangeView extends ChangesetRecord {
	files?: readonly FileChangeRecord[];
}

export function changeRoutes(app: FastifyInstance, { catalog }: ApiContext): void {
	app.get<{ Params: VmParams; Querystring: ChangeQuery }>(
		"/v1/vms/:vm/changes",
		{
			schema: {
				params: vmParams,
				querystring: object({
					...pageFields,
					since: fields.time,
					until: fields.time,
					order: fields.order,
					files: fields.flag,
					path: fields.path,
				}),
			},
		},
		async ({ params: { vm }, query }) => {
			if ((await catalog.vm(vm)) === undefined) throw unknownVm(vm);
			const { since, until, order, limit, cursor, path } = query;
			const from = since === undefined ? undefined : parseTime("since", since).first;
			const to = until === undefined ? undefined : parseTime("until", until).last;
			const options = { from, to, limit, cursor, reverse: order === "newest" };
			if (path !== undefined) {
				const page = await catalog.fileHistory(vm, path, options);
				const items: ChangeView[] = [];
				for (const { time, file } of page.items) {
					const last = items.at(-1);
					if (last?.time === time) {
						last.files = [...(last.files ?? []), file];
						continue;
					}
					const changeset = await catalog.changeset(vm, time);
					if (changeset !== undefined) items.push({ ...changeset, files: [file] });
				}
				return { items, next: page.next };
			}
			const page = await catalog.changesets(vm, options);
			if (query.files === "0" || query.files === "false") return page;
			const items: ChangeView[] = [];
			for (const changeset of page.items) {
				const files = await catalog.fileChanges(vm, changeset.time, { limit: LISTED_FILES });
				items.push({ ...changeset, files: files.items });
			}
			return { items, next: page.next };
		},
	);

	app.get<{ Params: PointParams; Querystring: PageQuery }>(
		"/v1/vms/:vm/changes/:time",
		{ schema: { params: pointParams, querystring: object(pageFields) } },
		async ({ params: { vm, time }, query }) => {
			const changeset = await findPoint(catalog, vm, time);
			return { changeset, files: await catalog.fileChanges(vm, changeset.time, query) };
		},
	);
}
