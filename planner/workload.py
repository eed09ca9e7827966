"""What a model must carry."""

from pydantic import Field

from planner.documents import Document


class Workload(Document):
    """The load of one model: sequences of `context` tokens, `concurrency` of them held in cache at once."""

    context: int | None = Field(default=None, ge=1, description="tokens of the longest sequence; None: the model's own")
    concurrency: int = Field(default=1, ge=1, description="sequences held at once, over all replicas")


def describe(workload: Workload) -> str:
    """One phrase: `64 sequences of 8,192 tokens`."""
    context = f"{workload.context:,} tokens" if workload.context else "full context"
    return f"{workload.concurrency:,} sequence{'s' if workload.concurrency > 1 else ''} of {context}"
