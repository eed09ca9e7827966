"""Shell text to simple commands: continuations, comments, quotes, variables and operators."""

import re
from collections.abc import Iterator, Mapping

from planner.errors import BadInput
from planner.launch.stages import STAGES, is_stage_line

_CONTINUATION = re.compile(r"(?:\\|(?<=\s)[`^])[ \t]*\r?\n")
_PROMPT = re.compile(r"^[ \t]*(?:\$|>|PS [^>\n]*>|(?:\([^)\n]*\) ?)?\w+@[\w.-]+:[^\s$#]*[$#])[ \t]+", re.MULTILINE)
_UNIT = re.compile(r"^(?:ExecStart=[-@:+!]*|Environment=(?=\"?\w+=))", re.MULTILINE)
"""What stands before commands and variables in a unit of systemd."""
_ARITHMETIC = re.compile(r"\$\(\(([\w\s$+*/()-]*?)\)\)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?[-=]([^}]*))?\}|(\w+))")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_REDIRECTION = re.compile(r"(?:\d*|&)(?:<<?<?|>>?)(?:&\d+)?")
_WINDOWS = re.compile(r"\.exe\b|(?<=\s)[`^][ \t]*\r?\n|(?<![\w$])[A-Za-z]:\\\w")
"""Programs, continuations and drives of Windows, where a backslash is part of a path."""
_INSIDE = re.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|[()]", re.DOTALL)
_TYPOGRAPHY = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " "})
_SETTERS = ("export", "set", "declare", "readonly", "local")


def commands(text: str, environment: Mapping[str, str] | None = None) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Yield each simple command of a script as its words, with the variables known when it runs.

    `$NAME`, `${NAME}` and `${NAME:-default}` are replaced where the text (or `environment`) sets them and
    left as they are where it does not. Redirections are dropped, and comments too, but for those that name
    the stages of an export: these stand in the variables under `STAGES`. Raises BadInput for a quote never closed.
    """
    known = dict(environment or {})
    plain = text.translate(_TYPOGRAPHY)
    windows = _WINDOWS.search(plain) is not None
    lines = _UNIT.sub("", _PROMPT.sub("", _CONTINUATION.sub(" ", plain)))
    splitter = _Splitter(lines, known, windows=windows)
    for words in splitter.simple():
        bare = words[1:] if words and words[0] in _SETTERS else words
        if bare and all(_ASSIGNMENT.match(word) for word in bare):
            known.update(word.partition("=")[::2] for word in bare)
        elif bare:
            stages = {STAGES: "\n".join(splitter.comments)} if splitter.comments else {}
            splitter.comments.clear()
            yield words, {**known, **stages}


class _Splitter:
    """Cuts text into words; variables are looked up late, so that earlier assignments count."""

    def __init__(self, text: str, known: Mapping[str, str], *, windows: bool) -> None:
        self.text, self.known, self.windows, self.at = text, known, windows, 0
        self.words: list[str] = []
        self.word: str | None = None
        self.redirected = False
        self.comments: list[str] = []

    def simple(self) -> Iterator[list[str]]:
        """Yield the words between operators and line ends."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if computed := _ARITHMETIC.match(self.text, self.at):
                self._add(_computed(self._expanded(computed[1]), computed[0], self.known))
                self.at = computed.end()
            elif self.text.startswith("$(", self.at):
                self._step(char)
            elif self.word is None and (match := _REDIRECTION.match(self.text, self.at)):
                self.at = match.end()
                self.redirected = "&" not in match[0][1:]
            elif char in "\n;&|()":
                yield self._end_command()
            else:
                self._step(char)
        yield self._end_command()

    def _step(self, char: str) -> None:
        if char in " \t\r":
            self._end_word()
        elif char == "#" and self.word is None:
            start, self.at = self.at, self._find("\n") - 1
            if is_stage_line(comment := self.text[start : self.at + 1]):
                self.comments.append(comment)
        elif char == "'":
            start, self.at = self.at + 1, self._closing("'")
            self._add(self.text[start : self.at])
        elif char == '"':
            start, self.at = self.at + 1, self._closing('"')
            self._add(re.sub(r"\\(.)", _unescaped, self._expanded(self.text[start : self.at]), flags=re.DOTALL))
        elif char == "\\" and not (self.windows and self.text[self.at + 1 : self.at + 2].isalnum()):
            self.at += 1
            self._add(self.text[self.at : self.at + 1])
        elif char == "$" and (match := _VARIABLE.match(self.text, self.at)):
            self._add(self._expanded(match[0]))
            self.at = match.end() - 1
        elif self.text.startswith("$(", self.at):
            start, self.at = self.at, self._substituted()
            self._add(self.text[start : self.at + 1])
        else:
            self._add(char)
        self.at += 1

    def _add(self, text: str) -> None:
        self.word = (self.word or "") + text

    def _end_word(self) -> None:
        if self.word is not None and not self.redirected:
            self.words.append(self.word)
        self.redirected = self.redirected and self.word is None
        self.word = None

    def _end_command(self) -> list[str]:
        self._end_word()
        self.at += 1
        words, self.words, self.redirected = self.words, [], False
        return words

    def _expanded(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            found = self.known.get(match[1] or match[3], match[2])
            return match[0] if found is None else found

        return _VARIABLE.sub(value, text)

    def _find(self, mark: str) -> int:
        found = self.text.find(mark, self.at)
        return len(self.text) if found < 0 else found

    def _substituted(self) -> int:
        """Where the `)` of a `$(` stands, past quotes and parentheses inside."""
        depth = 0
        for match in _INSIDE.finditer(self.text, self.at):
            depth += {"(": 1, ")": -1}.get(match[0], 0)
            if depth == 0 and match[0] == ")":
                return match.start()
        return self._find(")")

    def _closing(self, quote: str) -> int:
        at = self.at + 1
        while at < len(self.text) and self.text[at] != quote:
            at += 2 if self.text[at] == "\\" and quote == '"' else 1
        if at >= len(self.text):
            shown = self.text[self.at : self.at + 30].splitlines()[0]
            raise BadInput(f"the quote opened at {shown} is never closed", where="command")
        return at


def _computed(sum_of: str, whole: str, known: Mapping[str, str]) -> str:
    """Return what whole numbers and variables in `$((...))` come to; the text as it stands where one is not known."""
    names = re.sub(r"[A-Za-z_]\w*", lambda match: known.get(match[0], match[0]), sum_of)
    terms = [re.split(r"\s*([*/])\s*", term) for term in re.split(r"\s*\+\s*", names.strip())]
    total = 0
    for first, *rest in terms:
        if not all(number.isdigit() for number in (first, *rest[1::2])):
            return whole
        product = int(first)
        for operator, number in zip(rest[::2], rest[1::2], strict=True):
            product = product * int(number) if operator == "*" else product // max(1, int(number))
        total += product
    return str(total)


def _unescaped(match: re.Match[str]) -> str:
    return match[1] if match[1] in '"\\$`' else match[0]
