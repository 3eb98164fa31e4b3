/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodes: a resource tree as nested nodes, from the flat lists that the daemon gives: items with
 * `resource` (`api:/loans/{loan}`). Pure, and tested by itself.
 */

/* Nested nodes of items in any order: {name: the last segment, resource, item: that of the list or
 * undefined, children, depth}. What lies between is made where the list leaves it out. */
export function nest(items) {
	const roots = [], by_resource = new Map();
	const find = (resource) => {
		const known = by_resource.get(resource);

		if (known) {
			return known;
		}
		const colon = resource.indexOf(':/');
		const slash = resource.lastIndexOf('/');
		const is_root = resource.length === colon + 2;
		const above = is_root ? null : find(slash === colon + 1 ? resource.slice(0, colon + 2) : resource.slice(0, slash));
		const node = { name: is_root ? resource.slice(0, colon + 1) : resource.slice(slash), resource, item: undefined, children: [], depth: above ? above.depth + 1 : 0 };

		by_resource.set(resource, node);
		(above ? above.children : roots).push(node);
		return node;
	};

	for (const item of items) {
		const node = find(item.resource);

		/* A resource may be in the list several times, once for each condition. */
		node.item = node.item === undefined ? item : { ...node.item, also: [...(node.item.also || []), item] };
	}
	return roots;
}

/* Every node at or below these, parents first. */
export function* walk(nodes) {
	for (const node of nodes) {
		yield node;
		yield* walk(node.children);
	}
}

/* The nodes that hold a match, with all that is above them; null: nothing is below. */
export function search(nodes, fits) {
	return nodes.flatMap((node) => {
		const children = search(node.children, fits);

		return fits(node) || children.length > 0 ? [{ ...node, children: fits(node) && children.length === 0 ? node.children : children }] : [];
	});
}
