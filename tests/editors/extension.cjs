// SPDX-License-Identifier: Apache-2.0
// Runs tools/editors/vscode/extension.js with an editor and a client that only note what is asked of them.
// Prints the notes as JSON. The first argument is the settings as JSON, with `missing` true for a program
// that cannot be started.
'use strict';

const Module = require('node:module');
const path = require('node:path');

const settings = JSON.parse(process.argv[2]);
const notes = [];
let changed; // what the extension does when a setting has changed

class LanguageClient {
  constructor(id, name, server, options) {
    Object.assign(this, { server, options, running: false });
  }

  async start() {
    notes.push(['start', this.server, this.options.documentSelector]);
    await new Promise(setImmediate);
    if (settings.missing) {
      throw new Error('ENOENT');
    }
    this.running = true;
  }

  needsStop() {
    return this.running;
  }

  async stop() {
    notes.push(['stop', this.server.args]);
    this.running = false;
  }
}

const fakes = {
  'vscode-languageclient/node': { LanguageClient, RevealOutputChannelOn: { Never: 4 } },
  vscode: {
    window: { showErrorMessage: (text) => { notes.push(['error', text]); } },
    workspace: {
      workspaceFolders: [{ uri: { fsPath: '/work space' } }],
      getConfiguration: (section) => ({ get: (name) => settings[`${section}.${name}`] ?? '' }),
      onDidChangeConfiguration: (listener) => {
        changed = listener;
        return { dispose: () => {} };
      },
    },
  },
};
const load = Module._load;
Module._load = (name, ...rest) => fakes[name] ?? load(name, ...rest);

async function main() {
  const extension = require(path.join(__dirname, '../../tools/editors/vscode/extension.js'));
  await extension.activate({ subscriptions: [] });
  for (const folder of settings.changes ?? []) {
    settings['authz-policy.folder'] = folder;
    changed({ affectsConfiguration: (name) => name === 'authz-policy' });
  }
  changed({ affectsConfiguration: (name) => name === 'another' });
  await extension.deactivate();
  console.log(JSON.stringify(notes));
}

main();
