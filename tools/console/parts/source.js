/* SPDX-License-Identifier: Apache-2.0 */
/* source: lines of the policy's files with their numbers; those that are meant are marked. */
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Scroll } from './scroll.js';

const TAB = 4;          /* as the style has it */
const MOST_INDENT = 12; /* that is kept */
const DIGITS = 4; /* of the number of a line, at least */

/* How far a line is indented, in characters: where it is broken on a narrow screen, the rest begins there. */
function indent_of(line) {
	return Math.min(MOST_INDENT, [.../^[ \t]*/.exec(line)[0]].reduce((sum, one) => sum + (one === '\t' ? TAB : 1), 0));
}

/* A mark under a column, which counts from 1. A tab stays one, so that it is as wide as above. */
function Mark({ line, column }) {
	return html`<b>${' '.repeat(DIGITS)}</b> <i>${line.slice(0, column - 1).replace(/[^\t]/g, ' ')}^</i>${'\n'}`;
}

/*
 * lines: texts, the first of which has the number `first`. is_meant(number): is the line marked? column: what is meant in
 * it. scrolls_to: the number of the marked line that is to be in sight. label: whose text it is.
 */
export function Source({ lines, first = 1, is_meant, column = 0, scrolls_to, label }) {
	const place = useRef(null);

	useEffect(() => {
		if (scrolls_to) {
			place.current.querySelector('.meant')?.scrollIntoView({ block: 'center' });
		}
	}, [scrolls_to, lines.length]);
	return html`<${Scroll} label=${label}><pre class="source" role="group" aria-label=${label} ref=${place}>${lines.map((line, i) => {
		const number = first + i, is_marked = is_meant(number);

		return html`<span key=${number} class=${is_marked ? 'meant' : ''} style=${{ '--indent': indent_of(line) }}><b>${String(number).padStart(DIGITS)}</b> ${line}${'\n'}${is_marked && column > 0 && html`<${Mark} line=${line} column=${column} />`}</span>`;
	})}</pre><//>`;
}
