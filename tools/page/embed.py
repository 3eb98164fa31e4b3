#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a C source of a page: embed.py NAME.html NAME.css NAME.js > NAME_page.c

NAME.html is what the page's body has, with the slot {{data}}; the script comes after it. The page
allows its own style and script alone, by their hashes (Content Security Policy, level 2). The slots
{{title}} and {{data}} part it in three: see page.h.
"""

import base64
import hashlib
import re
import sys
from pathlib import Path

LINE = 24  # bytes of an array on one line

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{csp}}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{{title}}</title>
<style>{{style}}</style>
</head>
<body>
{{body}}<script>{{script}}</script>
</body>
</html>
"""


def source(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def page(body, style, script):
    """The page with everything but its slots filled."""
    for text in (style, script):
        if "</" in text or "{{" in text:
            sys.exit("embed.py: a style or script must not have '</' or '{{' in it")
    policy = (f"default-src 'none'; style-src {source(style)}; script-src {source(script)}; "
              "base-uri 'none'; form-action 'none'")
    filled = {"csp": policy, "style": style, "script": script, "body": body}
    return re.sub(r"\{\{(csp|style|script|body)\}\}", lambda slot: filled[slot.group(1)], PAGE)


def array(name, text):
    data = text.encode()
    lines = [", ".join(map(str, data[i:i + LINE])) for i in range(0, len(data), LINE)]
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(lines) + "\n};\n"


def main():
    body, style, script = (Path(name).read_text(encoding="utf-8") for name in sys.argv[1:])
    parts = re.split(r"\{\{(?:title|data)\}\}", page(body, style, script))
    if len(parts) != 3:
        sys.exit("embed.py: want one {{title}} and one {{data}}")
    names = ("to_title", "to_data", "to_end")
    print('/* Made by embed.py. */\n#include "tools/page/page.h"\n')
    for name, part in zip(names, parts):
        print(array(name, part))
    fields = "".join(f"\t.{name} = {{ {name}, sizeof {name} }},\n" for name in names)
    print(f"const struct page page_{Path(sys.argv[1]).stem} = {{\n{fields}}};")


main()
