/* SPDX-License-Identifier: Apache-2.0 */
/* bits: the small things that every page shows. */
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { href } from '../lib/route.js';
import { status_word } from '../lib/status.js';
import { ago, exact } from '../lib/time.js';
import { ADVICE, source_of } from '../lib/text.js';

/* A time in words; the exact one, in the reader's zone, when it is pointed at. */
export function Time({ at, none = '—' }) {
	if (at === undefined || at === null) {
		return html`<span class="dim">${none}</span>`;
	}
	return html`<time dateTime=${new Date(at * 1000).toISOString()} title=${exact(at)}>${ago(at)}</time>`;
}

/* A word in a coloured pill. tone: good, warn, bad, info, plain. */
export function Badge({ tone = 'plain', children }) {
	return html`<span class="badge ${tone}">${children}</span>`;
}

/* Where a role or a principal is declared: in the policy's files, or in the daemon's store. */
export function DeclaredBy({ of }) {
	return html`<${Badge} tone=${of.declared ? 'info' : 'plain'}>${source_of(of)}<//>`;
}

const TONES = { active: 'good', inactive: 'plain', expired: 'warn', revoked: 'bad', altered: 'bad', deleted: 'plain' };

/* The status of a key, a principal or a tenant. */
export function Status({ status }) {
	return html`<${Badge} tone=${TONES[status] || 'plain'}>${status_word(status)}<//>`;
}

export function Chip({ children, title, tone = '' }) {
	return html`<span class="chip ${tone}" title=${title}>${children}</span>`;
}

/* page: of the console, to which each item is a link then; `tab` is the links' tabIndex. */
export function Chips({ items, most = 4, none = '—', page, tab }) {
	if (!items || items.length === 0) {
		return html`<span class="dim">${none}</span>`;
	}
	return html`<span class="chips">
		${items.slice(0, most).map((item) => page ? html`<a class="chip" key=${item} href=${href(page, item)} title=${item} tabIndex=${tab}>${item}</a>` : html`<${Chip} key=${item}>${item}<//>`)}
		${items.length > most && html`<span class="dim" title=${items.slice(most).join('\n')}>+${items.length - most}</span>`}
	</span>`;
}

/* A position in the policy's files; a link to the text when the page can show it. */
export function Position({ file, line, link }) {
	if (!file) {
		return null;
	}
	const text = line ? `${file}:${line}` : file;

	return link ? html`<a class="position" href=${link}>${text}</a>` : html`<code class="position">${text}</code>`;
}

/* What went wrong, and what to do. */
export function ErrorBox({ error, retry }) {
	if (!error) {
		return null;
	}
	return html`<div class="box bad" role="alert" tabIndex="-1">
		<strong>${error.message}</strong>
		${error.ids?.length > 0 && html`<p>${error.ids.length === 1 ? 'This one:' : 'These:'} <${Chips} items=${error.ids} most=${8} /></p>`}
		<p class="dim">${ADVICE[error.code] || ''}</p>
		${retry && html`<button type="button" onClick=${retry}>Try again</button>`}
	</div>`;
}

export function Empty({ title, children }) {
	return html`<div class="empty"><h3>${title}</h3>${children}</div>`;
}

export function Loading() {
	return html`<div class="loading" role="status">Loading …</div>`;
}

/* Shows what a useLoad has: the error, the wait, or the children with the data. */
export function Loaded({ of, children }) {
	if (of.error && of.data === undefined) {
		return html`<${ErrorBox} error=${of.error} retry=${of.reload} />`;
	}
	if (of.data === undefined) {
		return html`<${Loading} />`;
	}
	return html`${of.error && html`<${ErrorBox} error=${of.error} retry=${of.reload} />`}${children(of.data)}`;
}

/* A page's head: its title, what it is, and its buttons. */
export function Head({ title, back, about, children }) {
	return html`<header class="head">
		<div>
			${back && html`<a class="back" href=${back.href}>← ${back.text}</a>`}
			<h1 tabIndex="-1">${title}</h1>
			${about && html`<p class="about">${about}</p>`}
		</div>
		<div class="actions">${children}</div>
	</header>`;
}

/* Terms and what they are: [[term, value], …]; a value that is undefined is left out. */
export function Facts({ rows }) {
	return html`<dl class="facts">${rows.filter(([, value]) => value !== undefined && value !== null && value !== false).map(
		([term, value]) => html`<div key=${term}><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export function Card({ title, aside, children, wide = false }) {
	return html`<section class="card ${wide ? 'wide' : ''}">
		${title && html`<header><h2>${title}</h2>${aside && html`<div class="aside">${aside}</div>`}</header>`}
		${children}
	</section>`;
}

/* Parts of a page, one of which is shown: [{key, text}]. The address says which. */
export function Tabs({ tabs, chosen, choose, label }) {
	const bar = useRef(null);

	/* On a narrow screen the bar scrolls. */
	useEffect(() => bar.current.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [chosen]);
	const move = (event) => {
		const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];

		if (step) {
			event.preventDefault();
			const at = tabs.findIndex((tab) => tab.key === chosen);
			const next = tabs[(at + step + tabs.length) % tabs.length];
			choose(next.key);
			event.currentTarget.querySelector(`[data-tab="${next.key}"]`)?.focus();
		}
	};

	return html`<div class="tabs" role="tablist" ref=${bar} aria-label=${label} onKeyDown=${move}>
		${tabs.map((tab) => html`<button type="button" role="tab" key=${tab.key} data-tab=${tab.key}
			aria-selected=${tab.key === chosen ? 'true' : 'false'} tabIndex=${tab.key === chosen ? 0 : -1}
			onClick=${() => choose(tab.key)}>${tab.text}${tab.count !== undefined && html` <span class="count">${tab.count}</span>`}</button>`)}
	</div>`;
}
