"""What `gpuplan inspect --json` prints."""

from pydantic import Field

from planner.documents import Document


class Component(Document):
    """A part beside the decoder: a tower, a projector, prediction layers."""

    params: int
    bytes: int
    counted: bool = Field(description="whether it is in the total")


class CacheGroup(Document):
    """Layers that keep alike caches."""

    kind: str = Field(description="full, sliding, mla, cross ...")
    layers: int
    window: int | None = Field(description="tokens kept; None: all")
    elements_per_token: int = Field(description="of one layer")


class Cache(Document):
    """What a token leaves in the cache of all layers, in the model's own type."""

    bytes_per_token: int = Field(description="of the groups without a window")
    groups: list[CacheGroup]


class Inspection(Document):
    """What a model is made of."""

    model: str
    model_type: str
    total_params: int
    active_params: int = Field(description="that work on one token")
    embedding_params: int
    lm_head_params: int
    expert_params: int = Field(description="of routed experts")
    tied_embeddings: bool
    layers: list[tuple[int, int]] = Field(description="runs of alike layers: how many, parameters of each")
    components: dict[str, Component]
    weight_bytes: int = Field(description="of the checkpoint")
    dtype: str
    quantization: str | None
    kv_cache: Cache
    state_bytes_per_sequence: int
    max_context: int
    assumptions: list[str]
