// SPDX-License-Identifier: Apache-2.0
// Prints what the TextMate grammar of tools/editors/vscode makes of files: textmate.mjs FILE...
// One JSON object: for each file `scopes`, a list of [first byte, end, [scope...]], and `open`, which
// is true when a rule that begins in the file does not end there.

import fs from 'node:fs';
import { createRequire } from 'node:module';

const home = new URL('../../tools/editors/vscode/', import.meta.url);
const require = createRequire(new URL('package.json', home));
const { Registry, INITIAL } = require('vscode-textmate');
const oniguruma = require('vscode-oniguruma');
const grammarFile = new URL('syntaxes/authz-policy.tmLanguage.json', home);

await oniguruma.loadWASM(fs.readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm')));
const registry = new Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async () => JSON.parse(fs.readFileSync(grammarFile, 'utf8')),
});
const grammar = await registry.loadGrammar('source.authz-policy');

function read(file) {
  const scopes = [];
  let at = 0;
  let stack = INITIAL;
  for (const [, line, end] of fs.readFileSync(file, 'utf8').matchAll(/(.*?)(\r?\n|$)/gs)) {
    const { tokens, ruleStack, stoppedEarly } = grammar.tokenizeLine(line, stack);
    if (stoppedEarly) {
      throw new Error(`${file}: a line takes too long`);
    }
    stack = ruleStack;
    for (const token of tokens) {
      const begin = Buffer.byteLength(line.slice(0, token.startIndex));
      const length = Buffer.byteLength(line.slice(token.startIndex, token.endIndex));
      scopes.push([at + begin, at + begin + length, token.scopes.slice(1)]);
    }
    at += Buffer.byteLength(line + end);
  }
  return { scopes, open: stack.depth > 1 };
}

console.log(JSON.stringify(Object.fromEntries(process.argv.slice(2).map((file) => [file, read(file)]))));
