"""`gpuplan verify SOURCE`, `gpuplan verify --command "vllm serve ..."` and `gpuplan verify --log server.log`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.errors import BadInput


@click.command(
    name="verify",
    help="The bill of what SOURCE (a script, config, manifest or folder) launches, or a start-up log beside it.",
)
@click.argument("source", type=click.Path(path_type=Path), required=False)
@click.option("--command", "line", help="A launch command instead: `vllm serve ...`, `docker run ...`.")
@click.option("--log", type=click.Path(path_type=Path), help="A start-up log instead: predicted beside logged.")
@click.option("--model", help="The model, where the name in SOURCE or the log (often a path) is not known.")
@click.option("--gpu", help="GPU kind, where SOURCE or the log does not name it: H100, NVIDIA L40S ...")
@click.option("--row", type=click.Path(path_type=Path), help="With --log: add the run to this file for `backtest`.")
@options.local_profile
@options.as_json
def command(
    source: Path | None,
    line: str | None,
    log: Path | None,
    model: str | None,
    gpu: str | None,
    row: Path | None,
    as_json: bool,
) -> int:
    """Print the bill of every launch, or the log's terms; exit 1 when something does not fit."""
    if sum(given is not None for given in (source, line, log)) != 1:
        raise BadInput("needs SOURCE, --command or --log", where="gpuplan verify")
    if log is not None:
        return _log(log, model, gpu, row, as_json)
    if row is not None:
        raise BadInput("goes with --log", where="gpuplan verify", field="--row")
    from planner.launch.verify import verify

    document = verify(source if source is not None else str(line), gpu, model)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.verify_table import verify_table

        click.echo(verify_table(document))
    return 0 if document["fits"] else 1


def _log(log: Path, model: str | None, gpu: str | None, row: Path | None, as_json: bool) -> int:
    from planner.backtest.verify_log import join_rows, verify_log

    document = verify_log(log, model=model, gpu=gpu)
    rows = join_rows(document["row"], row) if row is not None else 0
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.log_table import log_table

        click.echo(log_table(document))
        if row is not None:
            click.echo(f"\nrow {document['row']['id']!r} written to {row}, which holds {rows}")
    return 1 if document["fits"] is False else 0
