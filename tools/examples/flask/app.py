#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An application in Flask that authzd protects: app.py PORT. run starts it with a daemon."""

import sys

import authz.web
import flask

app = flask.Flask(__name__)
app.wsgi_app = authz.web.WSGIMiddleware(app.wsgi_app)


@app.get("/loans/<loan>")
def read(loan):
    decision = flask.request.environ["authz"]
    return {"loan": loan, "principal": decision.principal}


@app.delete("/loans/<loan>")
def delete(loan):
    return {"deleted": loan}


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]))
