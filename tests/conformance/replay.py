#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The replayer of the Python client: replay.py sync|async FILE. See README.md there."""

import asyncio
import dataclasses
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client" / "python"))
import authz  # noqa: E402


def outcome_of(decision):
    fields = {name: value for name, value in dataclasses.asdict(decision).items() if value is not None}
    if not decision.renew:
        fields.pop("renew")
    return {**fields, "allow": bool(decision)}


def error_of(error):
    if isinstance(error, authz.AuthzError):
        param = {} if error.param is None else {"param": error.param}
        return {"error": {"code": error.code, "message": error.message, **param}}
    return {"unavailable": True}


async def do_one(client, ask, what):
    """One outcome; `ask` awaits what the client returns, if there is something to await."""
    returned = None
    try:
        if "check" in what:
            returned = await ask(client.check(**what["check"]))
            return outcome_of(returned)
        if "check_many" in what:
            many = what["check_many"]
            returned = await ask(client.authorize_many(many["requests"], **many["shared"]))
            return {"results": [outcome_of(decision) for decision in returned]}
        return {"result": dict(await ask(client.call(what["call"], **what["params"])))}
    except authz.Error as error:
        got = error_of(error)
    # As the program sees it: what raised returned nothing.
    if "check" in what:
        got["allow"] = bool(returned)
    if "check_many" in what:
        got["allows"] = [bool(returned) for _ in what["check_many"]["requests"]]
    return got


async def plain(value):
    return value


async def pending(value):
    return await value


async def replay(kind, case):
    make, ask = {"sync": (authz.Client, plain), "async": (authz.AsyncClient, pending)}[kind]
    client = make(case["socket"], timeout=case["timeout_ms"] / 1000)
    try:
        return [await do_one(client, ask, what) for what in case["do"]]
    finally:
        if kind == "sync":
            client.close()
        else:
            await client.aclose()


def main():
    kind, file = sys.argv[1:]
    cases = json.loads(Path(file).read_text(encoding="utf-8"))["cases"]
    for case in cases:
        got = asyncio.run(replay(kind, case))
        print(json.dumps({"name": case["name"], "got": got}), flush=True)


if __name__ == "__main__":
    main()
