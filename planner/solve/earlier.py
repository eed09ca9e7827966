"""Replicas of an earlier plan, as a new plan of the same models may keep them."""

from collections.abc import Iterator
from dataclasses import dataclass

from planner.fleet.share import parts_of
from planner.plan_document import Plan
from planner.request import Request
from planner.solve.shape import Shape


@dataclass(frozen=True)
class Earlier:
    """A replica that runs: what is loaded, how it is cut, the GPU kind and the named devices of each stage.

    `place` is that of its model in the new request. A replica is kept when the same devices go on holding the
    same parts of the same weights; limits of the engine may change.
    """

    place: int
    model: str
    engine: str
    on_load: str | None
    label: str
    layers: tuple[int, ...]
    gpus: tuple[str, ...]
    devices: tuple[str, ...]
    weight_bytes: int
    parts: int = 0

    def runs_as(self, shape: Shape) -> bool:
        """Whether a shape holds the same parts on the same kinds of GPUs."""
        variant, layout = shape.variant, shape.layout
        return (
            (shape.wanted, variant.model.name, variant.engine.name, variant.on_load)
            == (self.place, self.model, self.engine, self.on_load)
            and (layout.label(), layout.layers_per_stage) == (self.label, self.layers)
            and tuple(site.gpu.slug for site in shape.sites) == self.gpus
            and shape.parts == self.parts
        )


def earlier_replicas(plan: Plan, request: Request) -> Iterator[Earlier]:
    """Yield the replicas of a plan whose models the request still asks for."""
    wanted = {model.model: place for place, model in reversed(list(enumerate(request.models)))}
    for asked, deployment in zip(plan.request.models, plan.deployments, strict=False):
        if asked.model not in wanted:
            continue
        for replica in deployment.replicas:
            yield Earlier(
                place=wanted[asked.model],
                model=deployment.model,
                engine=deployment.engine,
                on_load=deployment.quantized_on_load,
                label=replica.layout.label(),
                layers=replica.layout.layers_per_stage,
                gpus=tuple(stage.gpu for stage in replica.stages),
                devices=tuple(device for stage in replica.stages for device in stage.devices),
                weight_bytes=sum(device.weights_bytes for device in replica.per_device),
                parts=parts_of(replica.stages[0].share_percent),
            )
