"""The engine inside a command: behind environment, wrappers, containers and interpreters."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from planner.launch.image import engine_of_image, image_version, pinned_version
from planner.launch.shell import commands

_MODULES = {
    "vllm.entrypoints.api_server": "vllm",
    "dynamo.vllm": "vllm",
    "sglang.launch_server": "sglang",
    "sglang_router.launch_server": "sglang",
    "dynamo.sglang": "sglang",
    "dynamo.trtllm": "trtllm",
}
_API_SERVER = ".entrypoints.openai.api_server"
"""Also of builds under other names: `ipex_llm.vllm.xpu.entrypoints.openai.api_server`."""
_PROGRAMS = {
    "trtllm-serve": "trtllm",
    "llama-server": "llamacpp",
    "llama-cli": "llamacpp",
    "server": "llamacpp",
    "text-generation-launcher": "tgi",
}
_SUBCOMMANDS = {("vllm", "serve"): "vllm", ("sglang", "serve"): "sglang"}
_CONTAINER_RUNNERS = ("docker", "podman", "nerdctl", "singularity", "apptainer", "enroot", "nvidia-docker")
_STARTS_NOTHING = (
    "pull",
    "push",
    "tag",
    "build",
    "buildx",
    "rmi",
    "save",
    "load",
    "image",
    "images",
    "inspect",
    "login",
)
_OTHER_PROGRAMS = (
    "ggml-rpc-server",
    "rpc-server",
    "sh",
    "bash",
    "python",
    "python3",
    "ray",
    "sleep",
    "tail",
    "nvidia-smi",
    "env",
    "curl",
)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Invocation:
    """An engine's own words: which engine, its arguments, the environment and the version if it is pinned.

    Files that the words name are `files` (content by path), else lie in `folder`; None is the working directory.
    """

    engine: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None
    folder: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def invocations(text: str, environment: Mapping[str, str] | None = None) -> list[Invocation]:
    """Return every engine that a script starts, in order."""
    found = []
    for words, known in commands(text, environment):
        if engine := find_engine(words, known):
            found.append(replace(engine, version=engine.version or pinned_version(text, engine.engine)))
    return found


def find_engine(words: Sequence[str], environment: Mapping[str, str]) -> Invocation | None:
    """Look for an engine's program in a command, past whatever starts it; None when there is none."""
    known = dict(environment)
    runner = next((at for at, word in enumerate(words[:3]) if PurePosixPath(word).name in _CONTAINER_RUNNERS), None)
    containers = runner is not None
    if runner is not None and words[runner + 1 : runner + 2] and words[runner + 1] in _STARTS_NOTHING:
        return None
    program: list[str] = []
    for at, word in enumerate(words):
        rest = words[at + 1 :]
        if re.search(r"\s", word.strip()) and "$(" not in word.split()[0] and (inner := invocations(word, known)):
            return inner[0]
        if (match := _ASSIGNMENT.fullmatch(word)) and not word.startswith("-"):
            known[match[1]] = match[2]
        elif containers and word.startswith(("-e=", "--env=")):
            name, _, value = word.partition("=")[2].partition("=")
            known[name] = value
        elif containers and word.partition("=")[0] == "--entrypoint":
            program = [word.partition("=")[2] or next(iter(rest), "")]
        elif containers and (engine := engine_of_image(word)):
            return _in_container(engine, word, rest, known, program)
        elif started := _program(word, rest):
            return Invocation(started[0], tuple(started[1]), known)
    return None


def in_image(image: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Invocation | None:
    """Return what a container of this image runs with these words as its command; None for a foreign image."""
    engine = engine_of_image(image)
    if engine:
        return _in_container(engine, image, arguments, dict(environment))
    return find_engine(arguments, environment)


def _in_container(
    engine: str, image: str, rest: Sequence[str], known: Mapping[str, str], program: Sequence[str] = ()
) -> Invocation | None:
    """An engine named in the container's command beats the image's own entry point; another program runs none."""
    started = [*program, *rest]
    inside = find_engine(started, known)
    if inside is None and started and PurePosixPath(started[0]).name in _OTHER_PROGRAMS:
        return None
    found = inside or Invocation(engine, tuple(rest), known)
    return replace(found, version=found.version or image_version(image)) if found.engine == engine else found


def _program(word: str, rest: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    """Return (engine, arguments) when `word` starts an engine."""
    name = PurePosixPath(word.replace("\\", "/")).name.removesuffix(".exe")
    if name in ("vllm", "sglang") and rest and (name, rest[0]) in _SUBCOMMANDS:
        return _SUBCOMMANDS[name, rest[0]], rest[1:]
    if re.fullmatch(r"python[\d.]*", name) and "-m" in rest[:4]:
        at = list(rest).index("-m") + 1
        module = rest[at] if at < len(rest) else ""
        if module == "vllm.entrypoints.cli.main" and rest[at + 1 : at + 2] == ["serve"]:
            return "vllm", rest[at + 2 :]
        engine = "vllm" if module.endswith(_API_SERVER) else _MODULES.get(module)
        return (engine, rest[at + 1 :]) if engine else None
    if word.endswith(("openai/api_server.py", "sglang/launch_server.py")):
        return ("vllm" if "api_server" in word else "sglang"), rest
    if name == "server" and "/" not in word and "\\" not in word:
        return None
    if name == "trtllm-serve" and rest[:1] == ["serve"]:
        rest = rest[1:]
    return (_PROGRAMS[name], rest) if name in _PROGRAMS else None
