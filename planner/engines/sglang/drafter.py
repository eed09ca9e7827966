"""When SGLang loads the model's own prediction layers, and which pool it gives them, by release.

Sources: model_executor/model_runner.py and speculative/eagle_worker.py of 0.4.9.post5, 0.4.9.post6, 0.5.4, 0.5.12 and
0.5.14. The drafter's pool has as many tokens as the model's, whose indices it shares.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DrafterRules:
    """`first`: the drafter is loaded, and its layers counted, before the pool is cut (0.5.14; before that, after it).

    `pool_of_all_layers`: where layers cache keys and values, the drafter's pool has as many layers as the model itself
    (`num_effective_layers` of a drafter was that of the target's config; 0.4.9.post6 made it
    `num_nextn_predict_layers`). GLM-4.5, new in 0.4.9.post5, ran out of memory for it (run fresh2-sgl-glm-4.5-air).
    """

    first: bool = True
    pool_of_all_layers: bool = False
