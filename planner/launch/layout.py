"""From a launch to a layout: with the model and the GPU known, every limit is what the engine would use."""

from dataclasses import replace

from planner.engines import find_engine
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.launch.launch import Launch
from planner.layout import Layout
from planner.models.model import Model
from planner.models.quantization.wished import as_wished
from planner.models.source import load_model


def model_of(launch: Launch) -> Model:
    """Load the model a launch names, in the scheme it is told to make of it.

    A path that is not on this machine is looked up by its last part.
    """
    wished = launch.limits.options.get("quantization")
    return as_wished(_named(launch), None if wished is None else str(wished), launch.engine)


def _named(launch: Launch) -> Model:
    try:
        return load_model(launch.model)
    except BadInput:
        last = launch.model.rstrip("/").rpartition("/")[2]
        if not launch.model.startswith(("/", ".", "~", "$")) or not last:
            raise
        return load_model(last).assuming(f"{launch.model} is not on this machine: read as {last}")


def settled(launch: Launch, model: Model) -> Launch:
    """Return the launch as the engine runs it for this model: data parallelism of a dense model is copies."""
    options = {name: value for name, value in launch.limits.options.items() if (name, value) != ("dtype", "auto")}
    launch = replace(launch, limits=launch.limits.model_copy(update={"options": options}))
    if launch.data > 1 and not model.experts:
        launch = replace(launch, data=1, copies=launch.copies * launch.data)
    return launch


def layout_of(launch: Launch, model: Model, gpu: Gpu) -> Layout:
    """Return the layout of one copy on this GPU kind; raises BadInput when the stages do not fit the model."""
    engine: Engine = find_engine(launch.engine, launch.version)
    launch = settled(launch, model)
    layout = engine.layout(
        model,
        gpu,
        launch.limits,
        tensor=launch.tensor,
        pipeline=launch.pipeline,
        data=launch.data,
        expert_parallel=launch.expert_parallel,
    )
    stages = launch.layers_per_stage
    if stages is None:
        return layout
    if len(stages) != launch.pipeline or sum(stages) != len(model.layers):
        raise BadInput(
            f"is {','.join(map(str, stages))}",
            where=launch.where,
            field="layers of the stages",
            expected=f"{launch.pipeline} numbers that add up to {len(model.layers)}",
        )
    return layout.model_copy(update={"layers_per_stage": stages})
