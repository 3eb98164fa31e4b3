/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialog: one question at a time, above the page. The browser's own <dialog> keeps the focus within,
 * makes the rest of the page inert, and closes on Escape.
 */
import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useOnce } from '../lib/once.js';
import { ErrorBox } from './bits.js';

const shown = signal(null); /* a component and its properties */

/* Opens a component in the dialog: open_dialog(Create, {principal}). It gets `close` too. What has `data-first` has the focus first. */
export function open_dialog(component, properties = {}) {
	shown.value = { component, properties };
}

function close_dialog() {
	shown.value = null;
}

/* Another page is another matter: the question is gone with the page that asked it. */
addEventListener('hashchange', () => {
	if (!shown.value?.component.stays) {
		close_dialog();
	}
});

/* To be placed once, in the shell. */
export function Dialogs() {
	const dialog = useRef(null);
	const one = shown.value;

	useLayoutEffect(() => {
		if (one && !dialog.current.open) {
			dialog.current.showModal();
		} else if (!one && dialog.current.open) {
			dialog.current.close();
		}
		/* Also when another one takes the place of the first. */
		if (one) {
			(dialog.current.querySelector('[data-first]') || dialog.current.querySelector('.body :is(input, select, textarea, button), footer button'))?.focus();
		}
	}, [one]);
	/* What must not be lost by a slip of the finger closes by its own button alone: not on Escape, from the moment it is
	 * there. Browsers that know `closedby` need only that. */
	useLayoutEffect(() => {
		const keep = (event) => event.key === 'Escape' && event.preventDefault();

		if (one?.component.stays) {
			document.addEventListener('keydown', keep);
		}
		return () => document.removeEventListener('keydown', keep);
	}, [one]);
	/* A browser closes a dialog when it is asked to a second time, whatever the page says. The event comes later than
	 * the end: another dialog may be open by then. */
	const on_close = () => {
		if (dialog.current.open) {
			return;
		}
		if (shown.value?.component.stays) {
			dialog.current.showModal();
		} else {
			close_dialog();
		}
	};
	const keep_open = (event) => one?.component.stays && event.preventDefault();

	return html`<dialog ref=${dialog} aria-labelledby="dialog-title" closedby=${one?.component.stays ? 'none' : 'closerequest'} onClose=${on_close} onCancel=${keep_open}>
		${one && html`<${one.component} ...${one.properties} close=${close_dialog} />`}
	</dialog>`;
}

/*
 * A form in the dialog. `send` is called when it is sent, and may return a promise; when that is
 * rejected the error is shown and the form stays. `danger` colours the button. `children` may be a function: it gets
 * wrong(name), what the daemon says about the parameter of that name, for the field to show. `again` says what sending it
 * again does, when it is not known whether it was done.
 */
export function Form({ title, about, action, danger = false, send, close, children, again, disabled = false, wide = false }) {
	const [error, set_error] = useState(null);
	const [busy, set_busy] = useState(false);
	const form = useRef(null);
	/* The field itself says which parameter it is. */
	const wrong = (name) => error?.param !== undefined && error.param.split(/[[.]/)[0] === name ? error.message.replace(`${name}: `, '') : undefined;

	useEffect(() => {
		(form.current?.querySelector('[aria-invalid="true"]') || form.current?.querySelector('[role="alert"]'))?.focus();
	}, [error]);
	/* The button is disabled only when the form is drawn again. */
	const submit = useOnce(async () => {
		set_busy(true);
		set_error(null);
		try {
			await send();
		} catch (problem) {
			set_error(problem);
		}
		set_busy(false);
	});

	return html`<form class="dialog ${wide ? 'wide' : ''}" onSubmit=${(event) => {
		event.preventDefault();
		submit();
	}} ref=${form}>
		<header><h2 id="dialog-title">${title}</h2>
			<button type="button" class="quiet" aria-label="Close" onClick=${close}>✕</button></header>
		<div class="body">
			${about && html`<p class="about">${about}</p>`}
			${typeof children === 'function' ? children(wrong) : children}
			<${ErrorBox} error=${error} />
			${again && (error?.code === 'no_answer' || error?.mayStand) && html`<p class="box">${again}</p>`}
		</div>
		<footer>
			<button type="button" onClick=${close}>Cancel</button>
			<button class=${danger ? 'danger' : 'primary'} disabled=${busy || disabled} aria-busy=${busy ? 'true' : 'false'}>${action}</button>
		</footer>
	</form>`;
}

/* "Do you want to …?", with what will happen. `doing` may return a promise. */
function Confirm({ title, about, action, danger = true, doing, close }) {
	return html`<${Form} title=${title} about=${about} action=${action} danger=${danger} close=${close}
		send=${async () => {
			await doing();
			close();
		}} />`;
}

export function confirm(properties) {
	open_dialog(Confirm, properties);
}
