// SPDX-License-Identifier: Apache-2.0
'use strict';

// Starts `authzcheck lsp` for the policies that are open, and again when a setting has changed.

const path = require('node:path');
const vscode = require('vscode');
const { LanguageClient, RevealOutputChannelOn } = require('vscode-languageclient/node');

const NAME = 'authz-policy';
let client; // the one that runs, or undefined

// A path of the settings: from the first folder of the workspace, unless it is absolute.
function fromWorkspace(given) {
  const [first] = vscode.workspace.workspaceFolders ?? [];
  return first && !path.isAbsolute(given) ? path.join(first.uri.fsPath, given) : given;
}

// The command and its arguments, as the settings have them. A program without a slash is one of $PATH.
function server() {
  const settings = vscode.workspace.getConfiguration(NAME);
  const program = settings.get('authzcheck') || 'authzcheck';
  const folder = settings.get('folder');
  const modules = settings.get('modules');
  return {
    command: program.includes('/') ? fromWorkspace(program) : program,
    args: ['lsp', ...(modules ? ['--modules', fromWorkspace(modules)] : []), ...(folder ? [fromWorkspace(folder)] : [])],
  };
}

async function start() {
  const { command, args } = server();
  const next = new LanguageClient(NAME, 'authzd policy', { command, args }, {
    documentSelector: [{ scheme: 'file', language: NAME }],
    revealOutputChannelOn: RevealOutputChannelOn.Never,
  });
  client = next;
  try {
    await next.start();
  } catch (error) {
    vscode.window.showErrorMessage(
      `${command} could not be started (${error.message}): install authzcheck, or set "${NAME}.authzcheck" to its path`);
  }
}

async function stop() {
  const last = client;
  client = undefined;
  if (last?.needsStop()) {
    await last.stop();
  }
}

// One change after the other: a second one waits until the first has started its server.
let turn = Promise.resolve();

function restart() {
  turn = turn.then(stop).then(start);
  return turn;
}

exports.activate = (context) => {
  context.subscriptions.push(vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(NAME)) {
      restart();
    }
  }));
  return restart();
};

exports.deactivate = () => {
  turn = turn.then(stop);
  return turn;
};
