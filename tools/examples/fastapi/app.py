#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An application in FastAPI that authzd protects: app.py PORT. run starts it with a daemon."""

import sys

import authz.web
import fastapi
import uvicorn

app = fastapi.FastAPI()
app.add_middleware(authz.web.ASGIMiddleware)


@app.get("/loans/{loan}")
async def read(loan: str, request: fastapi.Request):
    return {"loan": loan, "principal": request.state.authz.principal}


@app.delete("/loans/{loan}")
async def delete(loan: str):
    return {"deleted": loan}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]))
