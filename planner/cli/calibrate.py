"""`gpuplan calibrate LOG...`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.cli.written import write


@click.command(name="calibrate", help="Turn start-up logs or files of rows (.json) into a local profile.")
@click.argument("logs", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--profile", "-o", "output", type=click.Path(path_type=Path), help="Write it here.  [default: print]")
@click.option("--model", help="The model of logs whose name for it is not known.")
@click.option("--gpu", help="The GPU kind of logs that do not name it.")
@options.as_json
def command(logs: tuple[Path, ...], output: Path | None, model: str | None, gpu: str | None, as_json: bool) -> int:
    """Write the profile and say what it corrects; later verbs take it with --profile."""
    from planner.backtest.calibrate import calibrate

    profile, report = calibrate(logs, model=model, gpu=gpu)
    if output is not None:
        import yaml

        head = f"# A local profile of gpuplan, made by `gpuplan calibrate` of {', '.join(log.name for log in logs)}.\n"
        content = yaml.safe_dump(profile.model_dump(mode="json"), sort_keys=False, width=110)
        write(output, head + content)
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return 0
    from planner.report.calibration_table import calibration_table

    click.echo(calibration_table(report))
    if output is not None:
        click.echo(f"\nlocal profile written to {output}: pass it to estimate, plan, size or verify with --profile")
    return 0
