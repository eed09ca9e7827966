"""The models we ship: `specs/models/ORG--NAME.json`, each the config.json of a published model."""

import re
from functools import cache
from pathlib import Path

from planner.data_files import data_path
from planner.errors import UnknownName
from planner.near_names import near_names, normalise

_VARIANT = re.compile(r"-(instruct|chat|it|hf|base)$", re.IGNORECASE)


@cache
def catalogue() -> dict[str, Path]:
    """Config file of each model id (`meta-llama/Llama-3.3-70B-Instruct`)."""
    files = sorted(data_path("specs", "models").glob("*--*.json"))
    return {file.stem.replace("--", "/", 1): file for file in files if not file.stem.endswith(".hf_quant_config")}


def resolve(name: str) -> tuple[str, Path, list[str]]:
    """Return the id, the config file and what was assumed for a name as people write it.

    Raises UnknownName with near names.
    """
    for form, assumption in ((_exact, None), (_without_org, None), (_without_variant, "read as")):
        found = [model_id for model_id in catalogue() if form(model_id) == form(name)]
        if len(found) == 1 or (found and form is not _without_variant):
            model_id = sorted(found, key=len)[0]
            note = [f"model {name!r} read as {model_id}, which has the same shapes"] if assumption else []
            return model_id, catalogue()[model_id], note
    short_names = {model_id.partition("/")[2]: model_id for model_id in catalogue()}
    raise UnknownName("model", name, near_names(name, [*catalogue(), *short_names]))


def _exact(name: str) -> str:
    return name.lower()


def _without_org(name: str) -> str:
    return normalise(name.rpartition("/")[2].lower().removeprefix("meta-"))


def _without_variant(name: str) -> str:
    bare = name.rpartition("/")[2].lower().removeprefix("meta-")
    return normalise(_VARIANT.sub("", bare))
