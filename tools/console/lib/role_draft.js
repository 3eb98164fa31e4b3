/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role_draft: a role while it is edited: its boxes, in two layers that never mix, what is allowed and what is denied,
 * and the lines that are kept as text. Pure, and tested by itself.
 */
import { read } from './grants.js';
import { rewrite } from './grants_write.js';
import { below, tree_of } from './permissions.js';

/* record: of roles.get, or {} for a new one. `was` is what its grants came to; `kept`: lines that are not boxes. */
export function begin(record, index) {
	const was = read(record.grants || [], index);

	return {
		name: record.name || '', description: record.description || '', inherits: record.inherits || [],
		was, allow: was.allow, deny: was.deny,
		kept: was.lines.flatMap((line, i) => line.is_drawn ? [] : [{ id: i, text: line.text, of: i }]),
	};
}

/* `layer` is 'allow' or 'deny'. All of these permissions are put in, or taken out if all are in. */
export function toggle(draft, layer, permissions) {
	const next = new Set(draft[layer]);
	const is_all = permissions.every((one) => next.has(one.id));

	for (const { id } of permissions) {
		if (is_all) {
			next.delete(id);
		} else {
			next.add(id);
		}
	}
	return { ...draft, [layer]: next };
}

export function toggle_below(draft, layer, node) {
	return toggle(draft, layer, below(node));
}

/* Where the lines with conditions count: a map from ids of permissions to [{deny, when, id of the line}]. */
export function conditions(draft, index) {
	const found = new Map();

	for (const kept of draft.kept) {
		const [line] = read([kept.text], index).lines;

		if (line.when !== null) {
			for (const id of line.ids) {
				found.set(id, [...(found.get(id) || []), { deny: line.deny, when: line.when, line: kept.id }]);
			}
		}
	}
	return found;
}

/* The trees that a kept line names; none: it is not understood. */
export function trees_of(kept, index) {
	return [...read([kept.text], index).lines[0].trees].filter((tree) => index.by_resource.has(`${tree}:/`));
}

/* The lines to be written: [{text, kept: the id of the kept line, or undefined}]. Empty lines are left out. */
export function lines_of(draft, index) {
	const is_kept = new Map(draft.kept.filter((one) => one.of !== undefined).map((one) => [one.of, one]));
	const gone = new Set(draft.was.lines.flatMap((line, i) => !line.is_drawn && !is_kept.has(i) ? [i] : []));
	const lines = rewrite(draft.was, draft, index, gone).map(({ text, kept }) => {
		const one = kept === undefined ? undefined : is_kept.get(kept);

		return { text: one ? one.text : text, kept: one?.id };
	});
	const added = draft.kept.filter((one) => one.of === undefined).map((one) => ({ text: one.text, kept: one.id }));

	return [...lines, ...added].map((line) => ({ ...line, text: line.text.trim() })).filter((line) => line.text !== '');
}

/* How many permissions of a tree each layer has: {allow, deny}. */
export function counts(draft, tree) {
	const of = (ids) => [...ids].filter((id) => tree_of(id) === tree).length;

	return { allow: of(draft.allow), deny: of(draft.deny) };
}
