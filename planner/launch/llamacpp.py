"""llama.cpp's `llama-server`, read back (common/arg.cpp, 0.5.0-dev).

Layers go to devices by `--tensor-split`: slots (layers on GPUs, the output last) are handed out by
cumulative share, so a launch is a pipeline whose stages follow from the split once the model is known.
"""

from planner.errors import BadInput
from planner.launch.dialect import limits_of
from planner.launch.environment import flags_of_environment
from planner.launch.flag_table import flag_table
from planner.launch.flags import Flags, read_flags
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch

LIMITS = {
    "max_model_len": "ctx-size",
    "max_num_seqs": "parallel",
    "max_num_batched_tokens": "batch-size",
}
"""Flag of each field of `Limits`; the context of a slot is `--ctx-size` divided by `--parallel`."""


def launch(invocation: Invocation) -> Launch:
    """Read the words and the variables of `llama-server`; raises BadInput."""
    table = flag_table("llamacpp")
    flags = read_flags(invocation.arguments, table)
    flags.values = flags_of_environment(invocation.environment, table) | flags.values
    if flags.values.get("flash-attn") == "":
        flags.values["flash-attn"] = "on"
    return Launch(
        engine="llamacpp",
        model=_model(flags),
        version=invocation.version,
        limits=limits_of("llamacpp", flags, LIMITS),
        port=flags.whole("port"),
        environment=invocation.environment,
        unknown=tuple(flags.unknown),
        notes=tuple(f"--{name} is of an older llama.cpp or a fork" for name in flags.retired),
    )


def _model(flags: Flags) -> str:
    model = flags.text("model") or flags.text("hf-repo")
    if not model:
        raise BadInput("names no model", where="llama-server", expected="-m FILE.gguf or -hf USER/MODEL:QUANT")
    return model
