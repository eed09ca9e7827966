"""What the constants of a prediction rest on, and how far such predictions were off."""

from collections.abc import Sequence

from planner.fleet.site import Site
from planner.speed.achieved import constants, family
from planner.speed.speed import Provenance


def provenance(sites: Sequence[Site], engine: str) -> Provenance:
    """Return what the constants of the least known GPU among the sites rest on, under an engine.

    A GPU counts as measured where runs of this very engine on it were fitted; runs of others there tell of the
    architecture only.
    """
    fit = constants()
    known = fit["fitted_gpus"].get(engine, ())
    found = {
        Provenance.MEASURED
        if site.gpu.slug in known
        else Provenance.SAME_ARCHITECTURE
        if family(site.gpu, engine) in fit["bandwidth"]
        else Provenance.DATASHEET
        for site in sites
    }
    return max(found, key=list(Provenance).index)


def error_band(basis: Provenance) -> dict[str, float]:
    """Return the relative error that nine of ten runs stayed within, by quantity."""
    return dict(constants()["error_band"][basis.name])
