"""The flags `--gpus FILE` and `--prices FILE`, which every verb takes: the user's own hardware data."""

from pathlib import Path

import click

_VARIABLES = {"gpu_files": "GPUPLAN_GPUS", "price_files": "GPUPLAN_PRICES"}


def flags() -> list[click.Option]:
    """Return the two flags; what they name holds for the whole process."""
    file = click.Path(path_type=Path)
    return [
        click.Option(
            ["--gpus", "gpu_files"], multiple=True, type=file, expose_value=False, callback=_use,
            help="GPU kinds of your own, laid over ours: a file in the form of hardware/gpus.yaml.",
        ),
        click.Option(
            ["--prices", "price_files"], multiple=True, type=file, expose_value=False, callback=_use,
            help="Prices of your own, laid over ours: a CSV file with the columns of hardware/prices.",
        ),
    ]  # fmt: skip


def add_to(command: click.Command) -> click.Command:
    """Give a verb the two flags, once."""
    if not any(parameter.name in _VARIABLES for parameter in command.params):
        command.params += flags()
    return command


def _use(_: click.Context, flag: click.Parameter, paths: tuple[Path, ...]) -> None:
    if paths:
        from planner.fleet.user_files import use

        use(_VARIABLES[str(flag.name)], paths)
