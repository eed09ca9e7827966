"""The flags `--gpus FILE` and `--prices FILE`, which every verb takes: the user's own hardware data."""

from pathlib import Path

import click

from planner.cli.verb import Flag

_VARIABLES = {"gpu_files": "GPUPLAN_GPUS", "price_files": "GPUPLAN_PRICES"}
_HELP = {
    "gpu_files": "GPU kinds laid over ours: a file in the form of hardware/gpus.yaml.",
    "price_files": "Prices laid over ours: a CSV file with the columns of hardware/prices.",
}


def flags() -> list[click.Option]:
    """Return the two flags; what they name holds for the whole process."""
    return [
        Flag(
            [f"--{name.partition('_')[0]}s", name],
            section="Data of your own",
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="FILE",
            expose_value=False,
            callback=_use,
            help=text,
        )
        for name, text in _HELP.items()
    ]


def add_to(command: click.Command) -> click.Command:
    """Give a verb the two flags, once."""
    if not any(parameter.name in _VARIABLES for parameter in command.params):
        command.params += flags()
    return command


def _use(_: click.Context, flag: click.Parameter, paths: tuple[Path, ...]) -> None:
    if paths:
        from planner.fleet.user_files import use

        use(_VARIABLES[str(flag.name)], paths)
