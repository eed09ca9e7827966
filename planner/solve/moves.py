"""What a plan changes of the one that runs."""

from planner.plan_document import Moves, Plan

Running = tuple[str, str, tuple[str, ...], str, tuple[int, ...]]
"""What is loaded, by which engine, on which devices in which order, and how it is cut."""


def moves(earlier: Plan, later: Plan) -> Moves:
    """Compare the replicas of two plans; one stays when the same devices hold the same parts of the same weights."""
    before, after = _replicas(earlier), _replicas(later)
    started = [key for key in after if key not in before]
    return Moves(
        kept=len(after) - len(started),
        stopped=[_named(key) for key in before if key not in after],
        started=[_named(key) for key in started],
        bytes_to_load=sum(after[key] for key in started),
    )


def _replicas(plan: Plan) -> dict[Running, int]:
    """Replicas, each with the bytes of its weights."""
    return {
        (
            deployment.model,
            f"{deployment.engine} {deployment.quantized_on_load or ''}",
            tuple(device for stage in replica.stages for device in stage.devices),
            replica.layout.label(),
            replica.layout.layers_per_stage,
        ): sum(device.weights_bytes for device in replica.per_device)
        for deployment in plan.deployments
        for replica in deployment.replicas
    }


def _named(key: Running) -> str:
    model, _, devices, label, _ = key
    return f"{model} {label} on {', '.join(devices)}"
