"""Which layers see only a window of the past."""

from planner.models.config_json import Config


def layer_windows(config: Config, layers: int, *, every: int = 0) -> list[int | None]:
    """Window of each layer, in tokens; None where attention is full.

    `layer_types` decides when it is there. Otherwise `every` n-th layer is full and the others slide
    (the family's habit), or all slide when `every` is 0.
    """
    window = config.get("sliding_window")
    if window is None:
        return [None] * layers
    window = config.integer("sliding_window")
    if "layer_types" in config:
        types = config.items("layer_types")
        if len(types) != layers:
            raise config.wrong("layer_types", f"a list of {len(types)}", f"one entry for each of the {layers} layers")
        return [window if kind == "sliding_attention" else None for kind in types]
    if every:
        return [None if (index + 1) % every == 0 else window for index in range(layers)]
    return [window] * layers
