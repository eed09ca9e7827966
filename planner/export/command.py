"""A command as data: program, flags, environment and the files it reads, written out alike for every target."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

FlagValue = bool | int | float | str | list[str]


@dataclass(frozen=True)
class Command:
    """What starts one engine process.

    A value of the environment with `$(...)` in it is left to the shell.

    `flags` are long names without dashes: True is a switch, False its `--no-` form, a list takes several
    words. `files` are config files that a flag names, by the name it uses. `others` are programs that take the same
    flags in one MPI command. Placeholders of a platform (`$(LWS_WORKER_INDEX)`) are plain text here.
    """

    program: tuple[str, ...]
    flags: Mapping[str, FlagValue]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    others: tuple[tuple[str, ...], ...] = ()

    def arguments(self) -> list[str]:
        """Return the words after the program."""
        words: list[str] = []
        for name, value in self.flags.items():
            if isinstance(value, bool):
                words.append(f"--{name}" if value else f"--no-{name}")
            elif isinstance(value, list):
                words += [f"--{name}", *value]
            else:
                words += [f"--{name}", text_of(value)]
        return words

    def words(self) -> list[str]:
        """Return all words of the command, without the environment."""
        arguments = self.arguments()
        further = [word for program in self.others for word in (":", *program, *arguments)]
        return [*self.program, *arguments, *further]

    def line(self) -> str:
        """Return one shell line, environment first."""
        settings = [f"{name}={_quoted(value)}" for name, value in self.environment.items()]
        return " ".join([*(["env", *settings] if settings else []), shlex.join(self.words())])


def _quoted(value: str) -> str:
    return f'"{value}"' if "$(" in value else shlex.quote(value)


def text_of(value: int | float | str) -> str:
    """Write a number so that reading it gives the same number."""
    return repr(value) if isinstance(value, float) else str(value)
