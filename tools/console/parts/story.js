/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story: an explanation of a decision in the order in which it was made: who asked, what for, each line of the
 * stack with its verdict, the rules that counted, and what would allow it.
 */
import { html } from 'htm/preact';
import { CONTROLS, outcome_of } from '../lib/checks.js';
import { position } from '../lib/position.js';
import { href } from '../lib/route.js';
import { count, REASONS } from '../lib/text.js';
import { exact } from '../lib/time.js';
import { Badge, Position } from './bits.js';

const GROUPS = { authenticate: 'Who is it?', account: 'May this subject act here and now?', authorize: 'Do roles and scopes allow it?', record: 'What is recorded' };
const ENDS = {
	token: 'The token denied it.', principal: 'The principal denied it.', environment: 'The environment or the tenant denied it.',
	service: 'The service denied it.', authenticate: 'The checks of “Who is it?” denied it.', resource: 'The resource denied it.',
	networks: 'The networks of the key denied it.', account: 'The checks of “May this subject act here and now?” denied it.', subject: 'Roles and scopes denied it: a rule denies it, or none of the key’s scopes allows it.',
	authorize: 'The checks of “Do roles and scopes allow it?” denied it.', facts: 'A fact was not given.', charges: 'A quota is used up.',
};
const TONES = { true: 'good', false: 'plain', unknown: 'warn' };

export function At({ of }) {
	const where = position(of);

	return where && html`<${Position} ...${where} />`;
}

function Line({ line }) {
	const came = line.verdict && outcome_of(line);

	return html`<li>
		<code><span title=${CONTROLS[line.control]}>${line.control}</span> ${line.module}${(line.arguments || []).map((word) => ` ${word}`)}</code>
		${came ? html`<${Badge} tone=${came.tone}>${came.word}<//>` : html`<span class="dim">not made</span>`}
		${line.reason && html`<span class=${came?.tone === 'plain' ? 'dim' : ''}>${REASONS[line.reason] || line.reason}</span>`}
		${came?.note && html`<span class="dim">(${came.note})</span>`}
		${line.fact && html`<span class="dim">${line.fact}</span>`}
		${line.ends && html`<span class="dim">the last check of the ${line.ends === 'group' ? 'step' : line.ends}</span>`}
		<${At} of=${line} />
	</li>`;
}

function Predicates({ of }) {
	return of && of.length > 0 && html`<ul class="lines">${of.map((one, i) => html`<li key=${i}><code>${one.predicate}</code>
		<${Badge} tone=${TONES[one.truth]}>${one.truth}<//> <code class="dim">${one.values}</code></li>`)}</ul>`;
}

/* A role or scope: the one that is held, and those by which it comes to the rule. */
function Through({ of }) {
	const names = of.role || of.scope || [];

	return html`<span>${of.role ? 'role' : 'scope'} ${names.map((name, i) => html`${i > 0 && ' → '}${of.role
		? html`<a href=${href('roles', name)}>${name}</a>` : html`<strong>${name}</strong>`}`)}</span>`;
}

/* A rule whose condition is false came to nothing, and is not drawn as a denial, say. */
function Rule({ rule }) {
	const [counts, would, tone] = rule.effect === 'deny' ? ['denies', 'would deny', 'bad'] : ['allows', 'would allow', 'good'];
	const is_void = rule.truth === 'false';

	return html`<li>
		<${Badge} tone=${is_void ? 'plain' : tone}>${is_void ? would : counts}<//>
		<${Through} of=${rule} /> <code>${rule.rule}</code> <${At} of=${rule} />
		${rule.at && html`<span class="dim">at ${rule.at}</span>`}
		${rule.until && html`<span class="dim">until ${exact(rule.until)}</span>`}
		${rule.holder && html`<span class="dim">held by ${rule.holder}</span>`}
		${rule.truth && html`<span>${is_void ? 'but its' : 'its'} condition is <${Badge} tone=${TONES[rule.truth]}>${rule.truth}<//></span>`}
		<${Predicates} of=${rule.predicates} />
	</li>`;
}

function Needed({ of }) {
	return html`<li>
		<${Through} of=${of} /> <code>${of.rule}</code> <${At} of=${of} />
		${of.held && html`<span class="dim">held, but ${of.at ? `only at ${[of.at].flat().join(', ')}` : 'at other places alone'}</span>`}
		${of.when && html`<span class="dim">when ${of.when}</span>`}
	</li>`;
}

/* What would allow it: roles, scopes, or one of each. */
export function WhatWouldAllow({ explain, principal }) {
	const { missing = [], needed = [], none = [], more } = explain;

	if (explain.key_at) {
		return html`<p>The key counts at ${explain.key_at.join(', ')} alone: no scope helps here.</p>`;
	}
	if (none.length > 0) {
		return html`<p>${missing.length === 0 ? 'A rule denies it, or the stack refuses it whatever roles and scopes allow.' : `No ${none.join(' and no ')} of the policy would allow it.`}</p>`;
	}
	if (needed.length === 0) {
		return null;
	}
	return html`${['role', 'scope'].filter((kind) => needed.some((one) => one[kind])).map((kind) => html`<div key=${kind}>
		<p>${missing.length > 1 ? `One ${kind} of these, and one of the other kind:` : `Any ${kind} of these:`}</p>
		<ul class="lines">${needed.filter((one) => one[kind]).map((one, i) => html`<${Needed} key=${i} of=${one} />`)}</ul></div>`)}
		${more > 0 && html`<p class="dim">and ${count(more, 'other')}</p>`}
		${principal && missing.includes('role') && html`<p><a href=${href('people', principal)}>Assign a role to ${principal}</a></p>`}`;
}

export function Story({ decision }) {
	const { explain } = decision;
	const { resource, action, has, groups = [], stack, rules = [] } = explain;

	return html`<ol class="story">
		${resource && html`<li><h3>What was asked for</h3><p><code>${action || '?'}</code> on <code>${resource}</code></p>
			${has && html`<p class="dim">It has ${has.join(', ')}.</p>`}</li>`}
		${stack && html`<li><h3>Which checks are made</h3><p>${stack.name ? html`those of the stack <strong>${stack.name}</strong>` : 'those of the built-in stack'} <${At} of=${stack} /></p>
			<p class="dim">${stack.name === 'other' ? 'A stack is a list of checks; this one is for every service without one of its own.' : 'A stack is a list of checks.'}</p></li>`}
		${groups.map((group) => html`<li key=${group.group} class=${group.passed === false ? 'stopped' : ''}>
			<h3>${GROUPS[group.group] || group.group} ${group.passed === undefined ? html`<span class="dim">not reached</span>`
			: html`<${Badge} tone=${group.passed ? 'good' : 'bad'}>${group.passed ? 'passed' : 'denied'}<//>`}</h3>
			${group.lines?.length > 0 && html`<ul class="lines">${group.lines.map((line, i) => html`<${Line} key=${i} line=${line} />`)}</ul>`}
		</li>`)}
		${rules.length > 0 && html`<li><h3>Rules that counted</h3><ul class="lines">${rules.map((rule, i) => html`<${Rule} key=${i} rule=${rule} />`)}</ul></li>`}
		${explain.quota && html`<li><h3>Quota</h3><p>${explain.quota} is used up.</p></li>`}
		${explain.fact && html`<li><h3>Networks of the key</h3><p>${explain.fact}</p></li>`}
		${explain.ended && html`<li class="stopped"><h3>What denied it</h3><p>${ENDS[explain.ended] || explain.ended}</p></li>`}
	</ol>
	${groups.some((group) => group.lines?.length > 0) && html`<details><summary>What required, requisite, sufficient and optional mean</summary>
		<dl class="facts words-of-checks">${Object.entries(CONTROLS).map(([word, means]) => html`<div key=${word}><dt><code>${word}</code></dt><dd>${means}</dd></div>`)}</dl></details>`}`;
}
