/* SPDX-License-Identifier: Apache-2.0 */
/* trees: made-up resource trees for the tests, from a seed, so that a failure can be seen again. */

/* Numbers from 0 to below `n`, the same ones for one seed (mulberry32). */
export function dice(seed) {
	let state = seed >>> 0;

	return (n) => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * n);
	};
}

const ACTIONS = [['list', ['GET']], ['create', ['POST']], ['read', ['GET']], ['update', ['PUT', 'PATCH']], ['delete', ['DELETE']], ['view', []], ['post', []], ['HEAD', ['HEAD']], ['OPTIONS', []]];

/* Items as those of policy.tree, of about `size` nodes. */
export function made_up(tree, size, roll) {
	const items = [];
	const grow = (resource, depth) => {
		const used = new Set();
		const actions = ACTIONS.filter(([action, methods]) => {
			const taken = roll(3) > 0 || [action, ...methods].some((word) => used.has(word));

			if (!taken) {
				[action, ...methods].forEach((word) => used.add(word));
			}
			return !taken;
		}).map(([action, methods]) => ({ action, methods }));

		items.push({ resource, actions: depth === 0 && roll(2) === 0 ? [] : actions });
		const children = depth > 5 ? 0 : depth === 0 ? 1 + roll(5) : roll(4);
		for (let i = 0; i < children && items.length < size; i++) {
			const kind = i === children - 1 ? roll(6) : 5;
			const segment = kind === 0 ? `{p${depth}}` : kind === 1 ? `{rest${depth}...}` : `n${i}`;
			const child = resource.endsWith(':/') ? `${resource}${segment}` : `${resource}/${segment}`;

			if (kind === 1) {
				items.push({ resource: child, actions: [{ action: 'read', methods: ['GET'] }] });
			} else {
				grow(child, depth + 1);
			}
		}
	};

	grow(`${tree}:/`, 0);
	return items;
}

/* The items as a statement of the policy language. */
export function as_policy(tree, items) {
	const lines = items.filter((item) => item.actions.length > 0).flatMap((item) => {
		const path = item.resource.slice(item.resource.indexOf(':') + 1);
		const actions = item.actions.map(({ action, methods }) => [action, ...methods.filter((method) => method !== action)].join(' '));

		return path === '/' ? actions : [`${path} {`, ...actions, '}'];
	});

	return `tree ${tree} {\n${lines.join('\n')}\n}\n`;
}
