// SPDX-License-Identifier: Apache-2.0
// What of a text may be in the address.
import assert from 'node:assert/strict';
import test from 'node:test';
import { key_id, without_secrets } from '../../tools/console/lib/text.js';

const ID = '1abcdefghijK', SECRET = 'S'.repeat(32) + '0crc00', TOKEN = `lp_live_${ID}_${SECRET}`;

test('a token is cut after the id of its key, wherever it stands', () => {
	for (const [text, cut] of [[TOKEN, `lp_live_${ID}`], [`${ID}_${SECRET}`, ID], [`Bearer ${TOKEN}, ${TOKEN}`, `Bearer lp_live_${ID}, lp_live_${ID}`],
		[TOKEN.slice(0, -6), `lp_live_${ID}`]]) {
		assert.equal(without_secrets(text), cut);
	}
});

test('what is not a token stays as it is', () => {
	for (const text of ['', `lp_live_${ID}`, ID, 'loans:read', 'api:/loans/7_8', `${ID}_short`, 'a_long_name_of_words_that_has_no_secret_in_it_at_all']) {
		assert.equal(without_secrets(text), text);
	}
});

test('an id is found in a token, in what is shown of it, and by itself', () => {
	for (const text of [TOKEN, `lp_live_${ID}`, ID, ` ${ID} `]) {
		assert.equal(key_id(text), ID);
	}
	assert.equal(key_id('no id'), 'no id');
});
