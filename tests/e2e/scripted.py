# SPDX-License-Identifier: Apache-2.0
"""A daemon of a script: it answers each method as a test says, and keeps what it was asked."""

import contextlib
import os
import pathlib
import shutil
import socket
import tempfile
import threading

import harness
import msgpack


class Refusal(Exception):
    """The error that a script answers with."""

    def __init__(self, code, message="no", **fields):
        super().__init__(code)
        self.error = {"code": code, "message": message, **fields}


class Scripted:
    """answers: {method: a result, a Refusal, or a function of the parameters that returns one}."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="authz-scripted-"))
        self.socket = self.folder / "authz.sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket))
        os.chmod(self.socket, 0o600)
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        unpacker = msgpack.Unpacker(raw=False)
        lock = threading.Lock()
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(1 << 16):
                unpacker.feed(data)
                for _, number, method, params in unpacker:
                    # One that takes long does not hold up the others.
                    threading.Thread(target=self.answer, daemon=True, args=(
                        connection, lock, number, method, params[0] if params else {})).start()

    def answer(self, connection, lock, number, method, params):
        self.asked.append((method, params))
        answer = self.answers.get(method, Refusal("unknown_method"))
        try:
            answer = answer(params) if callable(answer) else answer
        except Refusal as refusal:
            answer = refusal
        refused = isinstance(answer, Refusal)
        message = [1, number, answer.error if refused else None, None if refused else answer]
        with lock, contextlib.suppress(OSError):
            connection.sendall(msgpack.packb(message))

    def finish(self):
        self.listener.close()
        shutil.rmtree(self.folder)

    def tool(self, *arguments, text=None, env=None):
        return harness.run_tool("--socket", str(self.socket), *arguments, text=text, env=env, home=self.folder)
