"""Vision towers that stand whole on every rank, which share the images out (`--mm-encoder-tp-mode data`).

Each rank runs the images that fall to it, and all gather the embeddings of all, of which each has room for as many as
the fullest rank made; what is handed on are parts of what was gathered, which is held as long as they are
(models/vision.py, run_dp_sharded_mrope_vision_model). Classes that project what was gathered hand on something new.
"""

from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.release import newest
from planner.layout import Layout
from planner.models.model import Model


def whole_tower(model: Model, layout: Layout) -> bool:
    """Whether the tower is not divided; classes that cannot share images out divide it all the same."""
    wished = layout.options.get("mm_encoder_tp_mode") == "data" and layout.tensor_parallel_size > 1
    return wished and bool(model_class(model.architecture, newest()).gathered)


def gathered_copies(model: Model, layout: Layout) -> int:
    """How many times the embeddings of the fullest rank are held until they are used."""
    handed_on = model_class(model.architecture, newest()).gathered == "embeddings"
    return layout.tensor_parallel_size if handed_on and whole_tower(model, layout) else 1
