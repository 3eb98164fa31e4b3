/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret: shows a new secret, once. It is in the page while this dialog is open, and nowhere else:
 * when the dialog closes it is removed, and nothing keeps it.
 */
import { html } from 'htm/preact';
import { useRef, useState } from 'preact/hooks';

function download(name, text) {
	const link = document.createElement('a');

	link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: 'text/plain' }));
	link.download = name;
	link.click();
	URL.revokeObjectURL(link.href);
}

/* A dialog's content: open_dialog(Secret, {title, secret, name, about}). `name` is the file's. */
export function Secret({ title, secret, name, about, close }) {
	const [copied, set_copied] = useState(false);
	const [problem, set_problem] = useState(null);
	const place = useRef(null);
	const copy = async () => {
		try {
			await navigator.clipboard.writeText(secret);
			set_copied(true);
			set_problem(null);
		} catch {
			getSelection().selectAllChildren(place.current);
			set_problem('The browser does not let this page copy. The secret is selected: press Ctrl+C.');
		}
	};

	return html`<div class="dialog">
		<header><h2 id="dialog-title">${title}</h2></header>
		<div class="body">
			<p>This is the only time that the secret is shown. Only a hash of it is kept.</p>
			<output class="secret" ref=${place} tabIndex="0" aria-label="The secret">${secret}</output>
			<div class="row">
				<button type="button" class="primary" data-first onClick=${copy}>${copied ? 'Copied' : 'Copy'}</button>
				<button type="button" onClick=${() => download(name, secret)}>Download</button>
			</div>
			${problem && html`<p class="box warn" role="alert">${problem}</p>`}
			<p class="unseen" role="status">${copied ? 'The secret is copied.' : ''}</p>
			${about && html`<p class="dim">${about}</p>`}
			<p class="dim">Hand it over through a file or a vault that only its program reads, not through a chat.</p>
		</div>
		<footer><button type="button" onClick=${close}>I have kept it</button></footer>
	</div>`;
}

/* Escape does not close it. */
Secret.stays = true;
