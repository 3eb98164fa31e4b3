#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the console's page: one HTML file with its script and style in it, as a C array.

    tools/console/bundle.py FOLDER OUTPUT.c [DEPFILE]

FOLDER is tools/console with node_modules, as `npm ci` or tools/setup fetches them. esbuild bundles
main.js and the styles that it imports; both go into index.html, in the places of its comments
`script` and `style`; the Content-Security-Policy allows these two by their hashes and nothing else.
The same input gives the same bytes.
"""

import base64
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

# Bytes of the compressed page at most.
MOST = 150 * 1024

POLICY = (
    ("default-src", "'none'"),
    ("script-src", "{script}"),
    ("style-src", "{style}"),
    ("connect-src", "'self'"),
    ("img-src", "'self' data:"),
    ("base-uri", "'none'"),
    ("form-action", "'none'"),
    ("frame-ancestors", "'none'"),
    ("require-trusted-types-for", "'script'"),
    ("trusted-types", "'none'"),
)


def esbuild_of(folder):
    """The program itself where npm put it; else the script that starts it, which needs node."""
    modules = folder / "node_modules"
    native = sorted(modules.glob("@esbuild/*/bin/esbuild"))
    return [str(native[0])] if native else [str(modules / ".bin" / "esbuild")]


def bundle(folder, work):
    """(script, style, files that were read)"""
    command = esbuild_of(folder) + [
        "main.js", "--bundle", "--minify", "--format=iife", "--target=es2022", "--charset=utf8",
        "--legal-comments=none", "--log-level=warning", f"--outdir={work}",
        f"--metafile={work}/meta.json",
    ]
    subprocess.run(command, cwd=folder, check=True)
    inputs = json.loads((work / "meta.json").read_text(encoding="utf-8"))["inputs"]
    style = work / "main.css"
    return (
        (work / "main.js").read_text(encoding="utf-8").strip(),
        style.read_text(encoding="utf-8").strip() if style.exists() else "",
        [folder / name for name in inputs],
    )


def credits_of(folder, inputs):
    """A comment that names the packages in the bundle, whose licences ask for that."""
    modules = folder / "node_modules"
    owners = set()
    for path in inputs:
        if path.is_relative_to(modules):
            parts = path.relative_to(modules).parts
            owners.add(modules.joinpath(*parts[: 2 if parts[0].startswith("@") else 1]))
    described = [json.loads((owner / "package.json").read_text(encoding="utf-8")) for owner in sorted(owners)]
    names = ", ".join(f"{about['name']} {about['version']} ({about['license']})" for about in described)
    return f"<!-- With {names}. -->\n"


def hash_of(text):
    digest = hashlib.sha256(text.encode()).digest()
    return "'sha256-" + base64.b64encode(digest).decode() + "'"


def put_in(page, name, text):
    """`text` in an element of that name, in the place of the comment of that name."""
    mark = f"<!-- {name} -->"
    if page.count(mark) != 1:
        sys.exit(f"bundle.py: index.html needs one line {mark}")
    if f"</{name}" in text.lower() or "<!--" in text:
        sys.exit(f"bundle.py: the {name} would end the element that it stands in")
    return page.replace(mark, f"<{name}>{text}</{name}>")


def write_array(path, page, policy):
    rows = [page[at:at + 16] for at in range(0, len(page), 16)]
    lines = "\n".join("\t" + " ".join(f"{byte}," for byte in row) for row in rows)
    path.write_text(
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        "/* Made by tools/console/bundle.py. */\n"
        '#include "client/http/console_page.h"\n\n'
        f"static const unsigned char page[] = {{\n{lines}\n}};\n\n"
        "const struct http_console_page http_console_page = {\n"
        f'\tpage, sizeof page, "{policy}"\n}};\n',
        encoding="utf-8",
    )


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    folder, output = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as work:
        script, style, inputs = bundle(folder, Path(work))
    page = (folder / "index.html").read_text(encoding="utf-8")
    page = put_in(put_in(page, "style", style), "script", script) + credits_of(folder, inputs)
    policy = "; ".join(
        f"{name} " + value.format(script=hash_of(script), style=hash_of(style))
        for name, value in POLICY
    )
    packed = gzip.compress(page.encode(), 9, mtime=0)
    if len(packed) > MOST:
        sys.exit(f"bundle.py: the page has {len(packed)} bytes, and may have {MOST}")
    write_array(output, packed, policy)
    if len(sys.argv) == 4:
        names = [str(path) for path in (*inputs, folder / "index.html")]
        Path(sys.argv[3]).write_text(
            f"{output}: " + " ".join(name.replace(" ", "\\ ") for name in names) + "\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
