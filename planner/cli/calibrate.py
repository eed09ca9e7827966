"""`gpuplan calibrate LOG...`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.cli.verb import OUTPUT, Verb, flag
from planner.cli.written import write


@click.command(
    name="calibrate",
    cls=Verb,
    help="Turn start-up logs or files of rows (.json) into a local profile.",
    examples=("gpuplan calibrate *.log -o mine.yaml", "gpuplan plan qwen3-32b --on 8xL40S --profile mine.yaml"),
)
@click.argument("logs", type=options.FILE, nargs=-1, required=True)
@flag("--model", section="Input", metavar="MODEL", help="The model of logs whose name for it is not known.")
@flag("--gpu", section="Input", metavar="KIND", help="The GPU kind of logs that do not name it.")
@flag("--profile", "-o", "output", section=OUTPUT, type=options.FILE, metavar="FILE", help="Write it here.")
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
