"""The user's own hardware files: GPU figures and prices that stand beside the shipped ones, and over them.

They are named by the flags `--gpus` and `--prices`, by the environment variables GPUPLAN_GPUS and
GPUPLAN_PRICES that those flags set, or lie in the data directory as `gpus.yaml` and `prices/*.csv`.
"""

import os
from pathlib import Path


def data_directory() -> Path:
    """Return the user's data directory: GPUPLAN_DATA, else `gpuplan` in the XDG data directory."""
    if chosen := os.environ.get("GPUPLAN_DATA"):
        return Path(chosen)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "gpuplan"


def gpu_files() -> tuple[Path, ...]:
    """Return the user's GPU files, the last word last."""
    return (*_present(data_directory() / "gpus.yaml"), *_named("GPUPLAN_GPUS"))


def price_files() -> tuple[Path, ...]:
    """Return the user's price lists, the last word last."""
    return (*sorted((data_directory() / "prices").glob("*.csv")), *_named("GPUPLAN_PRICES"))


def use(variable: str, paths: tuple[Path, ...]) -> None:
    """Add files named on the command line: they hold for this process and those it starts."""
    os.environ[variable] = os.pathsep.join([*(str(path) for path in _named(variable)), *map(str, paths)])


def _named(variable: str) -> tuple[Path, ...]:
    return tuple(Path(text) for text in os.environ.get(variable, "").split(os.pathsep) if text)


def _present(path: Path) -> tuple[Path, ...]:
    return (path,) if path.is_file() else ()
