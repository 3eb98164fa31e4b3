/* SPDX-License-Identifier: Apache-2.0 */
/* checks: what a line of a stack came to, in words. Pure, and tested by itself. */

/* Of a control: what a verdict of its line does to the group, as the policy engine has it. */
const EFFECTS = {
	required: { allow: 'allows', deny: 'denies', error: 'denies' },
	requisite: { allow: 'allows', deny: 'denies', error: 'denies' },
	sufficient: { allow: 'allows' },
	optional: { allow: 'allows', deny: 'denies' },
};

/* What each word before a check means, in the order in which they are explained. */
export const CONTROLS = {
	required: 'It must not deny. The checks after it are made all the same.',
	requisite: 'It must not deny. If it does, no check after it is made.',
	sufficient: 'It is enough if it allows. If it does not, that is not a denial: the checks after it decide.',
	optional: 'It counts only if no other check decides.',
};

/* {word, tone, note} of a line that ran: the word of its badge, and what needs to be said beside its reason. */
export function outcome_of({ control, verdict }) {
	const word = (EFFECTS[control] || EFFECTS.required)[verdict];

	if (word) {
		return { word, tone: word === 'allows' ? 'good' : 'bad', note: control === 'optional' ? 'counts if no other check decides' : undefined };
	}
	if (control === 'sufficient' && verdict !== 'ignore') {
		return { word: 'not enough', tone: 'plain', note: 'no denial: the next checks decide' };
	}
	return { word: 'no say', tone: 'plain', note: verdict === 'error' ? 'it failed, which does not count here' : 'nothing here for it to check' };
}
