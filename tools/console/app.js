/* SPDX-License-Identifier: Apache-2.0 */
/* app: the shell around every page: where one is, where one can go, and who one is here. */
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { actor_of } from './lib/actor.js';
import { may, session, sign_in, sign_out, signedOut } from './lib/api.js';
import { href, route } from './lib/route.js';
import { Empty, ErrorBox, Loading } from './parts/bits.js';
import { Dialogs } from './parts/dialog.js';
import { Toasts } from './parts/toast.js';
import { KeysPage } from './pages/keys.js';
import { KeyPage } from './pages/key.js';
import { PeoplePage } from './pages/people.js';
import { PersonPage } from './pages/person.js';
import { RolesPage } from './pages/roles.js';
import { RolePage } from './pages/role.js';
import { RoleEditor } from './pages/role_editor.js';
import { TryPage } from './pages/try.js';
import { PolicyPage } from './pages/policy.js';
import { TrailPage } from './pages/trail.js';
import { UsePage } from './pages/use.js';

/* `shown`: is there anything on the page for this caller? */
const PAGES = {
	keys: { text: 'Keys', page: KeysPage, one: KeyPage, shown: () => may('list', '/keys'), icon: 'M8 16a4 4 0 1 1 3.6-5.7H20V14h-2.5v-1.7H15V14h-2.6A4 4 0 0 1 8 16Zm0-4h.01' },
	people: { text: 'People and services', short: 'People', page: PeoplePage, one: PersonPage, shown: () => may('list', '/principals'), icon: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6 9a6 6 0 0 1 12 0M16 5a3 3 0 0 1 0 6m2 9a6 6 0 0 0-3-5.2' },
	roles: { text: 'Roles', page: RolesPage, one: RolePage, shown: () => may('list', '/roles'), icon: 'M12 3l8 3v6c0 4.5-3.2 7.6-8 9-4.8-1.4-8-4.5-8-9V6l8-3Zm-3 9 2.2 2.2L15.5 10' },
	try: { text: 'Try', page: TryPage, shown: () => may('list', '/keys') && may('list', '/principals') && may('list', '/roles'), icon: 'M7 5l11 7-11 7V5Z' },
	policy: { text: 'Policy', page: PolicyPage, one: PolicyPage, shown: () => may('list', '/roles'), icon: 'M7 3h8l4 4v14H7V3Zm8 0v4h4M10 12h6m-6 4h6' },
	trail: { text: 'Trail', page: TrailPage, shown: () => may('read', '/audit'), icon: 'M5 6h14M5 12h14M5 18h9' },
	use: { text: 'Use', page: UsePage, one: UsePage, shown: () => session.value?.caller.everything === true || may('list', '/keys'), icon: 'M4 20V10m6 10V4m6 16v-7m4 7H2' },
};

const EDITORS = { 'new-role': RoleEditor, 'edit-role': RoleEditor };

function Icon({ path }) {
	return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${path} /></svg>`;
}

function SignIn() {
	const [key, set_key] = useState('');
	const [tried, set_tried] = useState(false);
	const send = (event) => {
		event.preventDefault();
		sign_in(key);
		set_key('');
		set_tried(true);
	};

	return html`<main class="signin card">
		<h1>Sign in to authzd</h1>
		${(tried || signedOut.value.code !== 'unauthenticated') && html`<${ErrorBox} error=${signedOut.value} />`}
		${signedOut.value.mode !== 'team'
		? html`<p>This page needs a session. Press Enter in the terminal in which <code>authzcheck console</code> runs: it prints a new link, which works once.</p>`
		: html`<form onSubmit=${send}>
			<div class="field"><label for="key">Your key</label>
			<input id="key" type="password" autocomplete="off" spellcheck=${false} value=${key} onInput=${(event) => set_key(event.currentTarget.value)} />
			<p class="tip">It stays in this page alone, and is gone when you close or reload it. It needs a role or a scope on the tree authz:.</p></div>
			<button class="primary" disabled=${key.trim() === ''}>Sign in</button></form>`}
	</main>`;
}

function Side() {
	const { caller, version, service } = session.value;
	const here = route.value.page;

	return html`<nav class="side" aria-label="Pages">
		<a class="brand" href=${href('keys')}><svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2 4 6v6c0 5 3.4 8.5 8 10 4.6-1.5 8-5 8-10V6l-8-4Z" /></svg>authzd</a>
		<ul>${Object.entries(PAGES).filter(([, one]) => one.shown()).map(([key, one]) => {
			const is_here = key === here || EDITORS[here] && key === 'roles';
			return html`<li key=${key}><a href=${href(key)} aria-current=${is_here ? 'page' : undefined}><${Icon} path=${one.icon} /><span class=${one.short ? 'long' : ''}>${one.text}</span>${one.short && html`<span class="short" aria-hidden="true">${one.short}</span>`}</a></li>`;
		})}</ul>
		<div class="who"><span title=${caller.actor}>${actor_of(caller.actor).text}</span>${caller.tenant && caller.tenant !== 'default' && html`<span class="dim">${caller.tenant}</span>`}
			${service && html`<span class="dim">${service}</span>`}
			<span class="dim">authzd ${version}</span>
			<button type="button" class="quiet" onClick=${sign_out}>Sign out</button></div>
	</nav>`;
}

/* / jumps to the search of the page; Escape leaves it. */
function on_key(event) {
	const is_typing = event.target.closest('input, textarea, select, dialog');

	if (event.key === '/' && !is_typing && !event.ctrlKey && !event.metaKey) {
		const field = document.querySelector('main [data-search]');

		if (field) {
			event.preventDefault();
			field.focus();
			field.select();
		}
	} else if (event.key === 'Escape' && event.target.matches('[data-search]')) {
		event.target.blur();
	}
}

export function App() {
	const { page, id } = route.value;
	const main = useRef(null);
	const was = useRef(null);

	useEffect(() => {
		addEventListener('keydown', on_key);
		return () => removeEventListener('keydown', on_key);
	}, []);
	useEffect(() => {
		const title = PAGES[page]?.text || 'Roles';

		document.title = `${id ? `${id} · ` : ''}${title} · authzd`;
		/* A new page is read from its title on; not the first one. */
		if (was.current !== null && was.current !== `${page}/${id}`) {
			main.current?.querySelector('h1')?.focus();
			scrollTo(0, 0);
		}
		was.current = `${page}/${id}`;
	}, [page, id]);
	if (signedOut.value) {
		return html`<${SignIn} />`;
	}
	if (!session.value) {
		return html`<${Loading} />`;
	}
	const row = PAGES[page];
	const Page = EDITORS[page] || (id !== undefined ? row?.one : row?.page);

	return html`
		<a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>To the page</a>
		<${Side} />
		<main id="main" ref=${main} tabIndex="-1">
			${Page ? html`<${Page} key=${`${page}/${id}`} id=${id} query=${route.value.query} />`
			: html`<${Empty} title="There is no such page"><p><a href=${href('keys')}>To the keys</a></p><//>`}
		</main>
		<${Dialogs} /><${Toasts} />`;
}
