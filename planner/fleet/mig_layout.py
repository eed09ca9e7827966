"""A node whose GPUs are cut into MIG slices: each slice is a device of its own."""

from collections.abc import Mapping, Sequence

from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.mig import mig_profile, placements, slice_of


def cut_into_slices(
    gpus: Sequence[Gpu], slices: Mapping[int, Sequence[str]], *, where: str | None = None, field: str = "mig"
) -> tuple[tuple[Gpu, ...], tuple[str, ...]]:
    """Return the devices of a node and their names: `gpu0` for a whole GPU, `gpu1.mig0` for a slice of the second.

    No names are returned when nothing is cut: the usual ones hold. Raises BadInput for an unknown profile or
    for slices that cannot live together.
    """
    if not slices:
        return tuple(gpus), ()
    if beyond := [index for index in slices if index >= len(gpus)]:
        raise BadInput(f"names GPU {beyond[0]}", where=where, field=field, expected=f"indices below {len(gpus)}")
    devices: list[Gpu] = []
    names: list[str] = []
    for index, gpu in enumerate(gpus):
        if index not in slices:
            devices.append(gpu)
            names.append(f"gpu{index}")
            continue
        at = f"{field}.{index}"
        profiles = [mig_profile(gpu, name, where=where, field=at) for name in slices[index]]
        if not profiles or placements(profiles) is None:
            wanted = " + ".join(slices[index]) or "empty"
            raise BadInput(
                f"is {wanted[:60]}", where=where, field=at, expected=f"slices that fit together on a {gpu.slug}"
            )
        devices += [slice_of(gpu, profile) for profile in profiles]
        names += [f"gpu{index}.mig{number}" for number in range(len(profiles))]
    return tuple(devices), tuple(names)
