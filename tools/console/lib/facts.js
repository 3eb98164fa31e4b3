/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: what was typed as NAME=VALUE, one a line, as the facts of a request. The same reading as that of
 * authzcheck --fact: a value is JSON where it is an integer, true, false, null, a string or a list of strings; all else
 * is text as it stands.
 */

function value_of(text) {
	if (/^(-?\d+|true|false|null|".*"|\[.*\])$/.test(text)) {
		try {
			const value = JSON.parse(text);
			const is_list = Array.isArray(value) && value.every((one) => typeof one === 'string');

			if (is_list || (typeof value === 'number' ? Number.isSafeInteger(value) : !Array.isArray(value))) {
				return value;
			}
		} catch {
			/* It is text. */
		}
	}
	return text;
}

/* {facts, wrong}: `wrong` says which line is none; facts is undefined where there is none. */
export function read_facts(text) {
	const facts = {};

	for (const line of text.split('\n').map((one) => one.trim()).filter((one) => one !== '')) {
		const at = line.indexOf('=');

		if (at < 1) {
			return { wrong: `“${line}” is not NAME=VALUE` };
		}
		facts[line.slice(0, at).trim()] = value_of(line.slice(at + 1).trim());
	}
	return { facts: Object.keys(facts).length > 0 ? facts : undefined };
}
