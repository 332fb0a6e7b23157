/** /v1/vms/:vm/changes: what changed when, as a list, for one path, and one changeset with all its files. */
import type { FastifyInstance } from "fastify";
import type { Page, TimePageOptions } from "../catalog/catalog.ts";
import type { ChangesetRecord, FileChangeRecord } from "../catalog/records.ts";
import { sendKept } from "./caching.ts";
import { type ApiContext, findPoint, requireVm } from "./context.ts";
import { conditional, kept, notModified, operation, pageOf } from "./operation.ts";
import { type PageQuery, pageOptions, sealPage } from "./paging.ts";
import * as s from "./schemas.ts";
import { ref } from "./shapes.ts";
import { timeOptions } from "./time.ts";

/** Files shown with each changeset of a listing; `/changes/:time` has them all. */
const LISTED_FILES = 100;
/** Changesets in one answer where they come with files, which bounds it to some MB. */
const MAX_WITH_FILES = 100;

interface ChangeQuery extends s.TimesQuery {
	readonly files: "0" | "1" | "false" | "true";
	readonly path?: string;
}

/** A changeset of a listing; `files` where they were asked for. */
interface ChangeView extends ChangesetRecord {
	files?: readonly FileChangeRecord[];
}

export function changeRoutes(app: FastifyInstance, { catalog }: ApiContext): void {
	app.get<{ Params: s.VmParams; Querystring: ChangeQuery }>(
		"/v1/vms/:vm/changes",
		operation({
			id: "listChanges",
			tag: "changes",
			summary: "The changesets of a VM, or the history of one path",
			description: `With \`files\`, each has its first ${LISTED_FILES} file changes; with \`path\`, those of this path alone. A page with files has at most ${MAX_WITH_FILES} changesets.`,
			params: s.vmParams,
			querystring: s.object({
				...s.timesFields,
				files: { ...s.fields.flag, description: "with file changes" },
				path: s.fields.path,
			}),
			answers: { 200: pageOf(ref("ListedChangeset"), "Changesets in order of time.") },
			errors: [404],
		}),
		async ({ params: { vm }, query }) => {
			await requireVm(catalog, vm);
			const options = { ...timeOptions(query), ...pageOptions(query) };
			if (query.path !== undefined) return sealPage(await historyOf(vm, query.path, options));
			const withFiles = query.files === "1" || query.files === "true";
			const limit = withFiles ? Math.min(query.limit, MAX_WITH_FILES) : query.limit;
			const page = sealPage(await catalog.changesets(vm, { ...options, limit }));
			if (!withFiles) return page;
			const items: ChangeView[] = [];
			for (const changeset of page.items) {
				const files = await catalog.fileChanges(vm, changeset.time, { limit: LISTED_FILES });
				items.push({ ...changeset, files: files.items });
			}
			return { items, next: page.next };
		},
	);

	const historyOf = async (vm: string, path: string, options: TimePageOptions): Promise<Page<ChangeView>> => {
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
	};

	app.get<{ Params: s.PointParams; Querystring: PageQuery }>(
		"/v1/vms/:vm/changes/:time",
		operation({
			id: "getChanges",
			tag: "changes",
			summary: "One changeset with all its file changes",
			params: s.pointParams,
			querystring: s.object(s.pageFields),
			headers: conditional,
			answers: {
				200: kept({
					description: "The changeset, and a page of its file changes.",
					type: "object",
					required: ["changeset", "files"],
					properties: { changeset: ref("Changeset"), files: pageOf(ref("FileChange"), "In no order that matters.") },
				}),
				304: notModified,
			},
			errors: [404],
		}),
		async (request, reply) => {
			const { vm, time } = request.params;
			const changeset = await findPoint(catalog, vm, time);
			const files = sealPage(await catalog.fileChanges(vm, changeset.time, pageOptions(request.query)));
			// Its verdict is still to come.
			const immutable = time === changeset.time && changeset.verdict !== null;
			return sendKept(request, reply, { changeset, files }, { immutable });
		},
	);
}
