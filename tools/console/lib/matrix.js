/* SPDX-License-Identifier: Apache-2.0 */
/* matrix: what each role and scope may do, from the marks of folder.matrix. Pure. */

/* One mark for each holder, where a run of equal ones is the mark and how many: ".4+" is "....+". */
export function read_marks(text) {
	return text.replace(/(.)(\d+)/g, (_, mark, times) => mark.repeat(Number(times)));
}

/*
 * Reads a matrix, of which `ask` gives one part after the other, the first for undefined: {holders, rows, cut}. Of a
 * row the marks stay as they came, since there may be thousands of them; `when` has the text of a condition by the
 * number of a holder. At most `most` rows; `cut` is true if there are more.
 */
export async function read_matrix(ask, most) {
	const whole = { holders: [], rows: [], cut: false };
	let cursor;

	do {
		const part = await ask(cursor);
		whole.holders = part.holders || whole.holders;
		for (const { resource, actions } of part.nodes) {
			for (const { action, methods = [], marks, when = {} } of actions) {
				whole.rows.push({ resource, action, methods, marks,
					when: Object.fromEntries(Object.entries(when).map(([holder, number]) => [holder, part.conditions[number]])) });
			}
		}
		cursor = part.cursor;
	} while (cursor !== undefined && whole.rows.length < most);
	whole.cut = cursor !== undefined || whole.rows.length > most;
	whole.rows = whole.rows.slice(0, most);
	return whole;
}

/* What a mark means: [its class, in words]. */
export const MARKS = {
	'+': ['all', 'allowed'],
	'?': ['when', 'allowed under a condition'],
	'~': ['some', 'some methods are allowed'],
	'-': ['denied', 'denied'],
	'!': ['denied', 'some methods are denied, others allowed under a condition'],
	x: ['denied', 'some methods are denied, others allowed'],
	'.': ['none', 'not allowed'],
};
