/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permissions: what can be allowed at the nodes of a tree. A permission is a method of a node, or an
 * action without methods. Pure, and tested by itself.
 */
import { nest, walk } from './nodes.js';

/* The permissions of an item of policy.tree: [{id, resource, action, word}]; `word` is the method, or the action. */
function permissions_of(item) {
	return (item?.actions || []).flatMap(({ action, methods }) => (methods?.length > 0 ? methods : [action]).map(
		(word) => ({ id: `${item.resource} ${word}`, resource: item.resource, action, word })));
}

/* Of the items of policy.tree: {roots: nested nodes, each with `permissions`; by_resource; by_id}. */
export function index_trees(items) {
	const roots = nest(items);
	const by_resource = new Map(), by_id = new Map();

	for (const node of walk(roots)) {
		node.permissions = permissions_of(node.item);
		by_resource.set(node.resource, node);
		for (const one of node.permissions) {
			by_id.set(one.id, one);
		}
	}
	return { roots, by_resource, by_id };
}

/* The name of a resource's tree: "api" of "api:/loans". */
export function tree_of(resource) {
	return resource.slice(0, resource.indexOf(':'));
}

/* All permissions at and below a node. */
export function below(node) {
	return [...walk([node])].flatMap((one) => one.permissions);
}

/* The words that more than one node at or below this one has: [{word, permissions}], the most frequent first. */
export function words_below(node) {
	const by_word = new Map();

	for (const one of below(node)) {
		if (!by_word.has(one.word)) {
			by_word.set(one.word, []);
		}
		by_word.get(one.word).push(one);
	}
	return [...by_word].map(([word, permissions]) => ({ word, permissions }))
		.filter(({ permissions }) => new Set(permissions.map((one) => one.resource)).size > 1)
		.sort((a, b) => b.permissions.length - a.permissions.length || a.word.localeCompare(b.word, 'en'));
}

/* How many permissions of a set of ids each node has, with all below it: a map from the resource to {held, of}. */
export function tally(roots, ids) {
	const found = new Map();
	const add = (node) => {
		const own = { held: node.permissions.filter((one) => ids.has(one.id)).length, of: node.permissions.length };

		for (const child of node.children) {
			const part = add(child);

			own.held += part.held;
			own.of += part.of;
		}
		found.set(node.resource, own);
		return own;
	};

	roots.forEach(add);
	return found;
}

/* The words for some permissions of one node: an action's name if it has all of its methods, else the methods. */
export function words_of(node, has) {
	const words = [];

	for (const action of new Set(node.permissions.map((one) => one.action))) {
		const all = node.permissions.filter((one) => one.action === action);
		const held = all.filter((one) => has(one.id));

		if (held.length === all.length) {
			words.push(action);
		} else {
			words.push(...held.map((one) => one.word));
		}
	}
	return words;
}
