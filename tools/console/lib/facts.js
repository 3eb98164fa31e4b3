/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: what was typed as NAME=VALUE, one a line, as the facts of a request. The same reading as that of
 * authzcheck --fact: a value is JSON where it is an integer, true, false, null, a string or a list of strings; all else
 * is text as it stands. Where the policy's types are known, what is typed is a value of the fact's type.
 */
import { from_local, to_local } from './time.js';

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

/* What was typed into the field of a fact, as a value of its type; throws what is wrong with it. */
function value_of_type(type, text) {
	switch (type) {
	case 'int':
		if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(Number(text))) {
			throw new Error('is not a whole number');
		}
		return Number(text);
	case 'bool':
		return text === 'true';
	case 'strings':
		return text.split(',').map((one) => one.trim()).filter((one) => one !== '');
	case 'time':
		return from_local(text);
	default:
		return text;
	}
}

/* given: {NAME: what was typed}, empty for what is left out; types: fact_types of policy.names. As read_facts; `param` says
 * whose value is wrong. */
export function read_typed(given, types) {
	const facts = {};

	for (const { name, type } of types) {
		const text = (given[name] || '').trim();

		try {
			if (text !== '') {
				facts[name] = value_of_type(type, text);
			}
		} catch (problem) {
			return { wrong: `${name} ${problem.message}`, param: `facts.${name}` };
		}
	}
	return { facts: Object.keys(facts).length > 0 ? facts : undefined };
}

/* A value as it is typed. */
export function text_of(type, value) {
	return type === 'strings' ? value.join(', ') : type === 'time' ? to_local(value) : String(value);
}
