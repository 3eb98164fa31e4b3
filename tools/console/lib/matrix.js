/* SPDX-License-Identifier: Apache-2.0 */
/* matrix: what each role and scope may do, from the marks of folder.matrix. Pure. */

/* One mark for each holder, where a run of equal ones is the mark and how many: ".4+" is "....+". */
export function read_marks(text) {
	return text.replace(/(.)(\d+)/g, (_, mark, times) => mark.repeat(Number(times)));
}

/* What a mark means: [its class, in words]. */
export const MARKS = {
	'+': ['all', 'allowed'],
	'?': ['when', 'allowed under a condition'],
	'~': ['some', 'some methods are allowed'],
	'-': ['denied', 'denied'],
	'!': ['denied', 'denied under a condition'],
	x: ['denied', 'some methods are denied'],
	'.': ['none', 'not allowed'],
};
