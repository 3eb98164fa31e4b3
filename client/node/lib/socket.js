// SPDX-License-Identifier: Apache-2.0

// Where the daemon's socket is, and whether its place may be trusted. Rules: client/authz.h.
//
// Node cannot ask the kernel who serves a socket (SO_PEERCRED). What it can know is who owns the socket
// and each folder and link on the way to it, and who could replace one of them. Only the owner of a
// folder, and others who may write it, can; in a sticky folder, such as /tmp, only the owner of what is
// in it. So a socket of a trusted owner, on a way that only root, this user and that owner can change,
// was made by that owner, and stays so between this check and the connection.

import fs from 'node:fs';
import path from 'node:path';
import { Unavailable } from './errors.js';

const SYSTEM_SOCKET = '/run/authz/authz.sock';
const MANAGING_NAME = 'admin.sock';
const PATH_MAX = 107; // bytes of a Unix socket's address, without its NUL; Node cuts a longer one
const LINKS_MAX = 8; // symbolic links on the way: /var/run needs one
const UNMAPPED = 65534; // the kernel's number for every user that a namespace does not map
const NOBODY = 0xffffffff; // stands for no user

const hasOwnRights = () => process.getuid() === process.geteuid() && process.getgid() === process.getegid();

// A variable; undefined when it is unset or empty, or in a setuid or setgid program.
function variable(name) {
  return (hasOwnRights() && process.env[name]) || undefined;
}

function isSocket(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isSocket() === true;
}

function isSocketSafely(file) {
  try {
    return isSocket(file);
  } catch {
    return false; // its folder may not be searched
  }
}

function ownSocket() {
  const folder = variable('XDG_RUNTIME_DIR') ?? variable('XDG_STATE_HOME');
  if (folder !== undefined) {
    return path.join(folder, 'authz/authz.sock');
  }
  const home = variable('HOME');
  return home && path.join(home, '.local/state/authz/authz.sock');
}

export function defaultSocket() {
  const given = variable('AUTHZ_SOCKET');
  if (given !== undefined) {
    return given;
  }
  if (process.geteuid() === 0) {
    return SYSTEM_SOCKET;
  }
  const own = ownSocket();
  if (own === undefined || (!isSocketSafely(own) && isSocketSafely(SYSTEM_SOCKET))) {
    return SYSTEM_SOCKET;
  }
  return own;
}

export function managingSocket() {
  const decisions = defaultSocket();
  const beside = path.join(path.dirname(decisions), MANAGING_NAME);
  if (variable('AUTHZ_SOCKET') !== undefined || !isSocketSafely(beside)) {
    return decisions;
  }
  try {
    fs.accessSync(beside, fs.constants.R_OK | fs.constants.W_OK);
    return beside;
  } catch {
    return decisions;
  }
}

// The number of a user given by number or name. Node cannot ask for users' names, so a name is looked
// up in /etc/passwd alone.
export function findUser(user) {
  if (/^\d+$/.test(String(user))) {
    const number = Number(user);
    if (number < NOBODY) {
      return number;
    }
  } else {
    const lines = fs.readFileSync('/etc/passwd', 'utf8').split('\n');
    const fields = lines.map((line) => line.split(':')).find((each) => each[0] === user && /^\d+$/.test(each[2]));
    if (fields !== undefined) {
      return Number(fields[2]);
    }
  }
  throw new TypeError(`${user} is no user of this machine: give the number of the daemon's user`);
}

export function serverUser(option) {
  const user = option ?? variable('AUTHZ_SERVER_USER');
  return user === undefined ? undefined : findUser(user);
}

function refuse(socket, why) {
  throw new Unavailable('EPEER', `${socket} is not trusted: ${why}; if it is the daemon's, set ` +
    "AUTHZ_SERVER_USER to the daemon's user and let nobody else write the way to it");
}

// Each component of an absolute path and of the targets of links in it. Gives the last one's status.
function walk(socket, file, see, links = { left: LINKS_MAX }) {
  let status;
  let place = '/';
  for (const part of ['', ...file.split('/').filter(Boolean)]) {
    place = path.join(place, part);
    status = fs.lstatSync(place);
    see(place, status);
    if (status.isSymbolicLink()) {
      links.left -= 1;
      if (links.left < 0) {
        refuse(socket, `${place} leads through too many links`);
      }
      place = path.resolve(path.dirname(place), fs.readlinkSync(place));
      status = walk(socket, place, see, links);
    }
  }
  return status;
}

// Throws Unavailable, code EPEER, or an error of lstat, such as ENOENT.
export function checkTrust(socket, server) {
  const file = path.resolve(socket);
  const places = [];
  const end = walk(socket, file, (place, status) => places.push([place, status]));
  const folder = fs.statSync(path.dirname(file));
  // A number that stands for all unmapped users is nobody's own: what has it may be anybody's.
  const self = process.geteuid() === UNMAPPED ? 0 : process.geteuid();

  if (!end.isSocket()) {
    refuse(socket, 'it is not a socket');
  }
  const known = end.uid === 0 || end.uid === self || end.uid === server;
  if (!known && (end.uid === UNMAPPED || folder.uid !== end.uid)) {
    refuse(socket, `it belongs to uid ${end.uid}`);
  }
  for (const [place, status] of places) {
    if (status.uid !== 0 && status.uid !== self && status.uid !== end.uid) {
      refuse(socket, `${place} belongs to uid ${status.uid}, who could replace it`);
    }
    // A sticky folder serves an owner who is known by name, not one who is known by the folder alone.
    const isSafe = (status.mode & 0o022) === 0 || (known && (status.mode & 0o1000) !== 0);
    if (status.isDirectory() && !isSafe) {
      refuse(socket, `others can write ${place}`);
    }
  }
}

export function checkPath(socket) {
  const bytes = typeof socket === 'string' ? Buffer.byteLength(socket) : 0;
  if (bytes === 0 || bytes > PATH_MAX || socket.includes('\0')) {
    throw new TypeError(`the path of the socket must have 1 to ${PATH_MAX} bytes`);
  }
  return socket;
}
