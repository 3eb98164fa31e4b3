/* SPDX-License-Identifier: Apache-2.0 */
/* trees: the policy's resource trees, as the daemon has them now. */
import { call } from './api.js';
import { index_trees } from './permissions.js';

const PAGE = 1000;

/* {index, trees: [{name, description}], revision} */
export async function load_trees() {
	let items = [], page, cursor;

	do {
		page = await call('policy.tree', { limit: PAGE, cursor });
		items = items.concat(page.items);
		cursor = page.cursor;
	} while (cursor !== undefined);
	return { index: index_trees(items), trees: page.trees, revision: page.revision };
}
