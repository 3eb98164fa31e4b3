/* SPDX-License-Identifier: Apache-2.0 */
/* position: FILE:LINE of the policy as a link to the text, where this program can read the folder. */
import { signal } from '@preact/signals';
import { call, session } from './api.js';
import { href } from './route.js';

/* The policy folder's path, or '' where it is not known. */
const folder = signal(null);

async function find() {
	folder.value = '';
	try {
		folder.value = (await call('policy.status')).folder || '';
	} catch {
		/* It is for those who manage the daemon. Names stay as they came. */
	}
}

/* path without the folder: the daemon names files as it was given the folder, which may be relative to where it was started. */
export function within(folder, path) {
	const said = path.replace(/^(\.\/)+/, '');

	for (let end = said.lastIndexOf('/'); end > 0; end = said.lastIndexOf('/', end - 1)) {
		const begin = said.slice(0, end);

		if (folder === begin || begin[0] !== '/' && folder.endsWith(`/${begin}`)) {
			return said.slice(end + 1);
		}
	}
	return path;
}

/* A file's name within the folder. */
export function file_name(path) {
	if (folder.value === null && session.value) {
		find();
	}
	return folder.value ? within(folder.value, path) : path;
}

/* {file, line, link} for <Position>; null: the policy has no such position. */
export function position(of) {
	if (!of?.file) {
		return null;
	}
	const file = file_name(of.file);

	return { file, line: of.line, link: session.value?.folder ? href('policy', file, { line: of.line }) : undefined };
}
