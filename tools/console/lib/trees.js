/* SPDX-License-Identifier: Apache-2.0 */
/* trees: the policy's resource trees, as the daemon has them now. */
import { list } from './api.js';
import { index_trees } from './permissions.js';

/* {index, trees: [{name, description}], revision} */
export async function load_trees() {
	const { items, last } = await list('policy.tree', {}, () => true, Infinity);

	return { index: index_trees(items), trees: last.trees, revision: last.revision };
}
