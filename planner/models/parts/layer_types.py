"""What kind each layer of a stack is: sliding or full attention, dense or routed."""

from collections.abc import Sequence

from planner.models.config_json import Config

SLIDING, FULL = "sliding_attention", "full_attention"
_OLD_NAMES = {"attention": FULL, "mamba": "linear_attention"}


def layer_types(config: Config, layers: int, habit: Sequence[str]) -> list[str]:
    """Return `layer_types` of the config, older names turned into today's; the family's `habit` when not given."""
    if "layer_types" not in config:
        if len(habit) != layers:
            raise config.wrong(
                "num_hidden_layers", layers, f"as many as the {len(habit)} that the lists of layers name"
            )
        return list(habit)
    return [_OLD_NAMES.get(name, name) for name in config.texts("layer_types", length=layers)]


def last_of(group: int, layers: int) -> list[str]:
    """Return layer types of which the last of each `group` is full and the others slide; 0: all slide."""
    return [FULL if group and (index + 1) % group == 0 else SLIDING for index in range(layers)]


def first_of(group: int, layers: int) -> list[str]:
    """Return layer types of which the first of each `group` is full and the others slide."""
    return [SLIDING if index % group else FULL for index in range(layers)]


def layer_windows(config: Config, layers: int, habit: Sequence[str] | None = None) -> list[int | None]:
    """Window of each layer, in tokens; None where attention is full.

    `layer_types` decides when it is there, else the family's `habit`: all slide when it has none.
    """
    if "sliding_window" not in config:
        return [None] * layers
    window = config.integer("sliding_window")
    return [window if kind == SLIDING else None for kind in layer_types(config, layers, habit or [SLIDING] * layers)]


def dense_first(config: Config, layers: int, habit: int = 0) -> list[bool]:
    """Whether each layer routes: by `mlp_layer_types`, else all but the first `first_k_dense_replace`.

    `habit` is how many the family keeps dense when the config gives neither.
    """
    if "mlp_layer_types" in config:
        return [kind == "sparse" for kind in config.texts("mlp_layer_types", length=layers)]
    first = config.integer("first_k_dense_replace", default=habit, least=0)
    return [index >= first for index in range(layers)]
