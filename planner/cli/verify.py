"""`gpuplan verify SOURCE`, `gpuplan verify --command "vllm serve ..."` and `gpuplan verify --log server.log`."""

import json
from pathlib import Path

import click

from planner.cli import options
from planner.cli.verb import OUTPUT, Verb, flag

_HELP = """The memory bill of a launch, or a start-up log beside our prediction.

SOURCE is a script, a config, a manifest or a folder of them. Exit code 0 when it fits, 1 when it does not."""
_EXAMPLES = (
    'gpuplan verify --command "vllm serve Qwen/Qwen3-32B" --gpu A100-80GB',
    "gpuplan verify compose.yaml --gpu L40S",
    "gpuplan verify --log server.log --gpu H100",
)


@click.command(name="verify", cls=Verb, help=_HELP, examples=_EXAMPLES)
@click.argument("source", type=options.FILE, required=False)
@flag(
    "--command", "line", section="Input", metavar="LINE", help="A command instead: `vllm serve ...`, `docker run ...`."
)
@flag("--log", section="Input", type=options.FILE, metavar="FILE", help="A start-up log instead.")
@flag(
    "--model", section="Input", metavar="MODEL", help="The model, where its name in the launch (a path) is not known."
)
@flag("--gpu", section="Input", metavar="KIND", help="GPU kind, where the launch or log does not name it: H100 ...")
@flag("--row", section=OUTPUT, type=options.FILE, metavar="FILE", help="With --log: add the run to this file of rows.")
@options.confidence
@options.local_profile
@options.as_json
def command(
    source: Path | None,
    line: str | None,
    log: Path | None,
    model: str | None,
    gpu: str | None,
    row: Path | None,
    confidence: float,
    as_json: bool,
) -> int:
    """Print the bill of every launch, or the log's terms; exit 1 when something does not fit."""
    if sum(given is not None for given in (source, line, log)) != 1:
        raise click.UsageError("Give one of SOURCE, --command and --log.", click.get_current_context())
    if log is not None:
        return _log(log, model, gpu, row, confidence, as_json)
    if row is not None:
        raise click.UsageError("--row goes with --log.", click.get_current_context())
    from planner.launch.verify import verify

    document = verify(source if source is not None else str(line), gpu, model, confidence)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.verify_table import verify_table

        click.echo(verify_table(document))
    return 0 if document["fits"] else 1


def _log(log: Path, model: str | None, gpu: str | None, row: Path | None, confidence: float, as_json: bool) -> int:
    from planner.backtest.verify_log import join_rows, verify_log

    document = verify_log(log, model=model, gpu=gpu, confidence=confidence)
    rows = join_rows(document["row"], row) if row is not None else 0
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from planner.report.log_table import log_table

        click.echo(log_table(document))
        if row is not None:
            click.echo(f"\nrow {document['row']['id']!r} written to {row}, which holds {rows}")
    return 1 if document["fits"] is False else 0
