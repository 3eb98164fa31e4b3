# SPDX-License-Identifier: Apache-2.0
"""Flask with the routes of routes.json: flask_server.py SOCKET ROUTES. See js/server.js."""

import json
import re
import sys
import urllib.parse

import flask
from werkzeug.serving import WSGIRequestHandler, run_simple

socket, routes = sys.argv[1:]
app = flask.Flask(__name__)


def handler(route):
    def answer(**values):
        headers = {"X-Route": f"{route['method']} {route['path']}",
                   "X-Raw": flask.request.environ["REQUEST_URI"],
                   "X-Values": urllib.parse.quote(json.dumps(list(values.values())))}
        return "", 200, headers
    return answer


for number, route in enumerate(json.load(open(routes))):
    rule = re.sub(r"\{(\w+)\.\.\.\}", r"<path:\1>", route["path"])
    app.add_url_rule(re.sub(r"\{(\w+)\}", r"<\1>", rule), f"r{number}", handler(route),
                     methods=[route["method"]])

WSGIRequestHandler.protocol_version = "HTTP/1.1"
WSGIRequestHandler.log = lambda *_: None
run_simple(f"unix://{socket}", 0, app, threaded=True)
