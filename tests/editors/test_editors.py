# SPDX-License-Identifier: Apache-2.0
"""tools/editors: each editor shows as keywords what the parser takes for keywords, and leaves nothing out."""

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import policies
from policies import EDITORS, position

VSCODE = EDITORS / "vscode"


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                          timeout=policies.DEADLINE, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]}: {done.returncode}\n{done.stdout[:2000]}\n{done.stderr[:2000]}")
    return done.stdout


# How lists and conditions that continue are indented, a comment in a list, and what follows them.
CONTINUED = """\
exclusive a,
    # a comment, with a comma,
    b
stack s {
    account  required  network  allow="{",
        b
    record   required  log  # {
}
condition c = a and b
    or (c
        and d)
role r {
    allow read on t:/a when b and not (c
            or d in "(",
                "y")
        and e
    deny  read on t:/a
        when {b} is c
            and d
    allow read on t:/b,
        t:/c
        when d
    allow read on t:/d
}
test "t" {
    as role r
    and role b
    given principal.id "a",
        "b"
    and role c
}
"""


def formatted():
    """A text in the canonical form: CONTINUED, and the examples."""
    return "\n".join((CONTINUED, *(Path(file).read_text() for file in policies.files() if "/examples/" in file)))


class Shown:
    """What an editor shows; a subclass says how: `classes(file)` is {offset: class} of every byte of a token.

    A class is '' for what is shown as plain text, else 'keyword', 'string', 'comment', 'wildcard', 'error' or
    another word.
    """

    PUNCTUATION = True  # braces and commas have a class

    def words(self):
        """The keywords that are written in the editor's grammar."""
        raise NotImplementedError

    @classmethod
    def classes(cls, file):
        raise NotImplementedError

    def complain(self, found):
        self.assertEqual(found[:8], [], f"{len(found)} in all")

    def test_the_grammar_has_the_keywords_of_the_parser(self):
        self.assertEqual(self.words(), policies.keywords())

    def test_each_keyword_of_each_policy_is_shown_as_one(self):
        _, found = policies.parser()
        self.complain([f"{position(file, at)} is {shown}" for file, places in found.items()
                       for at, word in places.items() if word not in policies.WILDCARDS | policies.OPERATORS
                       if (shown := {self.classes(file)[at + i] for i in range(len(word))}) != {"keyword"}])

    def test_nothing_else_is_shown_as_a_keyword(self):
        _, found = policies.parser()
        self.complain([position(file, at) for file in found for _, at, end in policies.tokens(file)
                       if at not in found[file] and "keyword" in {self.classes(file)[i] for i in range(at, end)}])

    def test_wildcards_are_shown_where_the_parser_finds_them_and_nowhere_else(self):
        _, found = policies.parser()
        for file, places in found.items():
            wanted = {at + i for at, word in places.items() if word in policies.WILDCARDS for i in range(len(word))}
            got = {at for at, shown in self.classes(file).items() if shown == "wildcard"}
            self.complain([position(file, at) for at in wanted ^ got])

    def test_no_token_of_any_policy_is_left_out_or_an_error(self):
        self.complain([position(file, at) for file in policies.files() for kind, at, end in policies.tokens(file)
                       if (self.PUNCTUATION or kind not in ("brace", "comma"))
                       and {self.classes(file)[i] for i in range(at, end)} & {"", "error"}])

    def test_strings_and_comments_begin_and_end_where_those_of_the_lexer_do(self):
        wrong = []
        for file in policies.files():
            for kind, at, end in policies.tokens(file):
                shown = {self.classes(file)[i] for i in range(at, end)}
                if kind in ("string", "comment") and shown != {kind}:
                    wrong.append(f"{position(file, at)} is {shown}")
                elif kind not in ("string", "comment") and "comment" in shown:
                    wrong.append(f"{position(file, at)} is no comment")
        self.complain(wrong)

    def test_a_statement_that_is_not_closed_ends_at_the_next_one(self):
        text = Path(policies.UNCLOSED).read_text()
        wanted = [(found.start(1), found.end(1)) for found in re.finditer(
            r"^ *(tree|strict_slash|role|scope|allow|deny|limits|stack|authenticate|principal|peer|test|exclusive"
            r"|environment|facts|condition)\b", text, re.MULTILINE)]
        self.complain([position(policies.UNCLOSED, at) for at, end in wanted
                       if {self.classes(policies.UNCLOSED)[i] for i in range(at, end)} != {"keyword"}])


class Parser(unittest.TestCase):
    def test_the_policies_have_every_keyword(self):
        found = {word for places in policies.parser()[1].values() for word in places.values()}
        self.assertEqual(policies.keywords() - found, set())

    def test_the_dictionary_for_fuzzing_has_every_keyword(self):
        words = re.findall(r'^"(.+)"$', (policies.ROOT / "tests/fuzz/policy.dict").read_text(), re.MULTILINE)
        self.assertEqual((policies.keywords() | policies.OPERATORS) - set(words), set())

    def test_no_word_that_is_reserved_is_in_use(self):
        found = {word for places in policies.parser()[1].values() for word in places.values()}
        self.assertEqual(policies.RESERVED & found, set())


def class_of_scopes(scopes):
    """The class that a token of a TextMate grammar has."""
    for scope in reversed(scopes):
        if scope.startswith(("keyword.declaration", "keyword.other", "keyword.control", "constant.language")):
            return "keyword"
        if scope.startswith("invalid"):
            return "error"
        if scope.startswith("variable.language.wildcard"):
            return "wildcard"
        if scope.startswith(("string.quoted", "comment")):
            return "string" if scope[0] == "s" else "comment"
    return scopes[-1] if scopes else ""


class TextMate(Shown, unittest.TestCase):
    @classmethod
    @functools.cache
    def read(cls):
        if not (VSCODE / "node_modules/vscode-textmate").exists():
            raise unittest.SkipTest("vscode-textmate is missing, which tools/setup fetches")
        return json.loads(run("node", Path(__file__).with_name("textmate.mjs"), *policies.files(), policies.UNCLOSED))

    @classmethod
    @functools.cache
    def classes(cls, file):
        return {at: class_of_scopes(scopes) for begin, end, scopes in cls.read()[file]["scopes"]
                for at in range(begin, end)}

    def test_no_rule_is_open_at_the_end_of_a_file(self):
        self.assertEqual([file for file in policies.files() if self.read()[file]["open"]], [])

    def words(self):
        grammar = json.loads((VSCODE / "syntaxes/authz-policy.tmLanguage.json").read_text())
        found = set()

        def walk(node):
            for key, value in node.items() if isinstance(node, dict) else enumerate(node):
                if isinstance(value, (dict, list)):
                    walk(value)
                elif key in ("match", "begin", "end"):
                    plain = re.sub(r"\[(?:\\.|[^\]\\])*\]|\\.", " ", value)
                    found.update(re.findall(r"[a-z_]{2,}", plain))

        walk(grammar)
        return found


def class_of_group(group):
    """The class of one of Vim's syntax groups."""
    name = group.removeprefix("authzPolicy")
    if name.endswith("Error") or name == "BadParameter":
        return "error"
    if name == "Escape":
        return "string"
    for word in ("Keyword", "Comment", "Wildcard"):
        if name.startswith(word):
            return word.lower()
    return "string" if name.endswith("String") else name


def vim(script, folder, **env):
    """Runs a script in Vim with the files of tools/editors/vim, and nobody's configuration."""
    run("vim", "-es", "-N", "-i", "NONE", "-u", "NONE", "--cmd", f"set runtimepath^={EDITORS / 'vim'} hidden",
        "--cmd", "filetype plugin indent on", "--cmd", "syntax on", "-S", script,
        env={**os.environ, "HOME": str(folder), "TERM": "dumb", **env}, cwd=folder)


def asked_of_an_editor():
    """(file, line, column in bytes, first byte, end) of each token, from 1."""
    for file in (*policies.files(), policies.UNCLOSED):
        text = Path(file).read_bytes()
        for _, at, end in policies.tokens(file):
            yield file, text.count(b"\n", 0, at) + 1, at - text.rfind(b"\n", 0, at), at, end


def ask(editor, class_of):
    """{file: {offset: class}} of what an editor answers that is given files for questions and answers."""
    asked = list(asked_of_an_editor())
    found = {}
    with tempfile.TemporaryDirectory(prefix="authz-editor-") as folder:
        questions, answers = Path(folder) / "asked", Path(folder) / "answers"
        questions.write_text("".join(f"{file}\t{row}\t{column}\t{end - at}\n" for file, row, column, at, end in asked))
        editor(folder, {"AUTHZ_ASKED": str(questions), "AUTHZ_ANSWERS": str(answers)})
        lines = answers.read_text().splitlines()
    for (file, _, _, at, end), line in zip(asked, lines, strict=True):
        classes = [class_of(word) for word in line.split(" ")]
        assert len(classes) == end - at, (file, at, line)
        found.setdefault(file, {}).update(zip(range(at, end), classes, strict=True))
    return found


class Vim(Shown, unittest.TestCase):
    @classmethod
    @functools.cache
    def read(cls):
        if shutil.which("vim") is None:
            raise unittest.SkipTest("vim is missing, which tools/setup installs")
        script = Path(__file__).with_name("syntax.vim")
        return ask(lambda folder, env: vim(script, folder, **env), class_of_group)

    @classmethod
    def classes(cls, file):
        return cls.read()[file]

    def words(self):
        text = (EDITORS / "vim/syntax/authz-policy.vim").read_text()
        lists = re.findall(r"s:(?:Condition)?Words\('\w+', '([\w ]+)'|^syntax keyword authzPolicyKeyword\w+ (\w+)", text,
                           re.MULTILINE)
        return {word for words in lists for word in "".join(words).split()}


class VimEdits(unittest.TestCase):
    """The options, gq with authzcheck, and the indentation."""

    def setUp(self):
        if shutil.which("vim") is None:
            self.skipTest("vim is missing, which tools/setup installs")
        folder = tempfile.TemporaryDirectory(prefix="authz vim-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def seen(self, text):
        file, answers = self.folder / "a b.policy", self.folder / "answers"
        file.write_text(text)
        (self.folder / "authzcheck").unlink(missing_ok=True)
        (self.folder / "authzcheck").symlink_to(policies.AUTHZCHECK)
        vim(Path(__file__).with_name("format.vim"), self.folder, AUTHZ_FILE=str(file), AUTHZ_ANSWERS=str(answers),
            PATH=f"{self.folder}:{os.environ['PATH']}")
        return json.loads(answers.read_text())

    def test_gq_formats_as_authzcheck_does_and_warnings_stay_out_of_the_text(self):
        seen = self.seen("tree api {\n/:id   { GET,\n }\n}\nrole  a { allow   GET on api:/** }\n")
        self.assertEqual(seen["formatted"], ["tree api {", "    /:id {", "        GET", "    }", "}",
                                             "role a { allow GET on api:/** }"])
        self.assertEqual(seen["mistakes"], [])

    def test_with_a_mistake_gq_leaves_the_text_alone_and_lists_it(self):
        text = "role   a {\n    allow GET\n}\n"
        seen = self.seen(text)
        self.assertEqual(seen["formatted"], text.splitlines())
        self.assertEqual(seen["mistakes"], [[2, "expected 'on' and a pattern, TREE:/path, found the end of the line"]])

    def test_the_options_are_those_of_policies(self):
        self.assertEqual(self.seen("")["options"], ["authz-policy", "# %s", "authzcheck policy fmt -", 4, 1])

    def test_indentation_makes_a_formatted_file_of_one_without_any(self):
        self.assertEqual(self.seen(formatted())["indented"], formatted().splitlines())


def emacs(*arguments, **env):
    """Runs Emacs with nobody's configuration and the mode of tools/editors."""
    if shutil.which("emacs") is None:
        raise unittest.SkipTest("emacs is missing; it is large, so tools/setup does not install it")
    run("emacs", "-Q", "--batch", "-L", EDITORS / "emacs", *arguments, env={**os.environ, **env})


FACES = {"keyword": "keyword", "builtin": "keyword", "preprocessor": "wildcard", "string": "string",
         "comment": "comment", "comment-delimiter": "comment"}


def class_of_face(face):
    """The class of one of Emacs's faces."""
    word = face.removeprefix("font-lock-").removesuffix("-face")
    return FACES.get(word, word)


class Emacs(Shown, unittest.TestCase):
    PUNCTUATION = False

    @classmethod
    @functools.cache
    def read(cls):
        script = Path(__file__).with_name("faces.el")
        return ask(lambda folder, env: emacs("-l", script, HOME=folder, **env), class_of_face)

    @classmethod
    def classes(cls, file):
        return cls.read()[file]

    def words(self):
        text = (EDITORS / "emacs/authz-policy-mode.el").read_text()
        grammar = text[text.index("(defconst authz-policy-grammar"):text.index('"What may follow')]
        return set(re.findall(r'"(\w+)"', grammar))


class EmacsEdits(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="authz emacs-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def after(self, text, *forms):
        """The text when Emacs has opened it and evaluated forms."""
        file = self.folder / "a.policy"
        file.write_text(text)
        emacs("-l", "authz-policy-mode", "--eval", f'(setq authz-policy-program "{policies.AUTHZCHECK}")', file,
              *(word for form in forms for word in ("--eval", form)), "-f", "save-buffer", HOME=str(self.folder))
        return file.read_text()

    def test_the_mode_compiles_without_a_warning(self):
        shutil.copy(EDITORS / "emacs/authz-policy-mode.el", self.folder)
        emacs("--eval", "(setq byte-compile-error-on-warn t)", "-f", "batch-byte-compile",
              self.folder / "authz-policy-mode.el")

    def test_indentation_makes_a_formatted_file_of_one_without_any(self):
        flat = re.sub(r"^ +", "", formatted(), flags=re.MULTILINE)
        self.assertNotEqual(flat, formatted())
        self.assertEqual(self.after(flat, "(indent-region (point-min) (point-max))"), formatted())

    def test_the_buffer_is_formatted_and_one_with_a_mistake_stays(self):
        form = "(condition-case why (authz-policy-format-buffer) (user-error (insert (format \"# %s\\n\" (cadr why)))))"
        self.assertEqual(self.after("role  a { allow   GET on api:/** }\n", form), "role a { allow GET on api:/** }\n")
        self.assertEqual(self.after("role  a { allow\n", form).splitlines()[0],
                         "# Not formatted: -:1:16: error: expected an action or a method, found the end of the line")

    def test_eglot_starts_the_language_server(self):
        form = ("(progn (defvar eglot-server-programs nil) (provide 'eglot) (erase-buffer)"
                " (insert (format \"%S %S\" (funcall (cdr (assq major-mode eglot-server-programs)) nil)"
                " (get major-mode 'eglot-language-id))))")
        self.assertEqual(self.after("", form).strip(), f'("{policies.AUTHZCHECK}" "lsp") "authz-policy"')


class Extension(unittest.TestCase):
    """The client in the extension of Visual Studio Code, with an editor that notes what is asked of it."""

    def notes(self, **settings):
        named = {f"authz-policy.{name}" if name in ("authzcheck", "folder", "modules") else name: value
                 for name, value in settings.items()}
        return json.loads(run("node", Path(__file__).with_name("extension.cjs"), json.dumps(named)))

    def server(self, **settings):
        what, server, _ = self.notes(**settings)[0]
        self.assertEqual(what, "start")
        return [server["command"], *server["args"]]

    def test_it_starts_the_language_server_for_policies_and_stops_it(self):
        self.assertEqual(self.notes(), [
            ["start", {"command": "authzcheck", "args": ["lsp"]}, [{"scheme": "file", "language": "authz-policy"}]],
            ["stop", ["lsp"]]])

    def test_settings_choose_the_program_the_folder_and_the_modules(self):
        self.assertEqual(self.server(authzcheck="/opt/authzcheck"), ["/opt/authzcheck", "lsp"])
        self.assertEqual(self.server(authzcheck="build/tools/authzcheck", folder="policy", modules="/lib/m"),
                         ["/work space/build/tools/authzcheck", "lsp", "--modules", "/lib/m", "/work space/policy"])

    def test_a_changed_setting_starts_it_again_one_server_after_the_other(self):
        got = [(what, server["args"] if what == "start" else server)
               for what, server, *_ in self.notes(changes=["/a", "/b"])]
        # The setting is read when a server starts, so both changes have the last one.
        self.assertEqual(got, [(what, ["lsp", *folder]) for folder in ([], ["/b"], ["/b"])
                               for what in ("start", "stop")])

    def test_a_program_that_is_missing_is_reported_with_the_setting_to_change(self):
        notes = self.notes(missing=True, authzcheck="authzchekc")
        self.assertEqual(len(notes), 2)
        self.assertRegex(notes[1][1], 'authzchekc could not be started.*set "authz-policy.authzcheck"')

    def test_each_setting_is_declared_and_read(self):
        declared = json.loads((VSCODE / "package.json").read_text())["contributes"]["configuration"]["properties"]
        read = re.findall(r"settings\.get\('(\w+)'\)", (VSCODE / "extension.js").read_text())
        self.assertEqual({f"authz-policy.{name}" for name in read}, set(declared))

    def test_the_manifest_names_files_that_are_there(self):
        manifest = json.loads((VSCODE / "package.json").read_text())
        contributed = manifest["contributes"]
        for name in (manifest["main"], contributed["languages"][0]["configuration"],
                     contributed["grammars"][0]["path"]):
            self.assertTrue((VSCODE / name).is_file(), name)
        json.loads((VSCODE / "language-configuration.json").read_text())

    def test_the_version_is_that_of_the_project_everywhere(self):
        version = re.search(r"version: '([^']+)'", (policies.ROOT / "meson.build").read_text())[1]
        for name in ("package.json", "package-lock.json"):
            self.assertEqual(json.loads((VSCODE / name).read_text())["version"], version)
        self.assertIn(f"authz-policy-{version}.vsix", (VSCODE / "README.md").read_text())
        self.assertIn(f"\n;; Version: {version}\n", (EDITORS / "emacs/authz-policy-mode.el").read_text())

    def test_the_lock_names_no_registry(self):
        self.assertNotRegex((VSCODE / "package-lock.json").read_text(), "resolved|://")
