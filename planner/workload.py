"""What a model must carry."""

from pydantic import Field

from planner.documents import Document
from planner.errors import BadInput


class Workload(Document):
    """The load of one model, and the targets under which it must be carried.

    `concurrency` sequences of `context` tokens must be held in cache at once. Requests bring
    `input_tokens` and are answered with `output_tokens` (means); rates and targets are over all replicas.
    """

    context: int | None = Field(default=None, ge=1, description="tokens of the longest sequence; None: the model's own")
    concurrency: int = Field(default=1, ge=1, description="sequences held at once, over all replicas")
    input_tokens: int | None = Field(default=None, ge=1, description="mean tokens of a prompt")
    output_tokens: int | None = Field(default=None, ge=1, description="mean tokens of an answer")
    requests_per_second: float | None = Field(default=None, gt=0)
    tokens_per_second: float | None = Field(default=None, gt=0, description="output tokens a second")
    ttft_ms: float | None = Field(default=None, gt=0, description="time to first token")
    tpot_ms: float | None = Field(default=None, gt=0, description="time per output token after the first")
    answer_ms: float | None = Field(
        default=None, gt=0, description="time from a prompt to the last token of its answer"
    )
    equal_lengths: bool = Field(default=False, description="all requests are equally long, as load generators send")
    rounds: int | None = Field(
        default=None, ge=1, description="a load generator's run: all start at once, so many follow one another in each"
    )
    total_requests: int | None = Field(default=None, ge=1, description="a batch job of so many requests, all at once")
    prefix_hit_rate: float = Field(default=0.0, ge=0, le=1, description="share of prompt tokens found in the cache")
    speculative_tokens: int = Field(default=0, ge=0, le=32, description="tokens drafted for each step")
    acceptance: float = Field(default=0.7, ge=0, le=1, description="chance that a drafted token is kept")

    @property
    def least_context(self) -> int:
        """Tokens of a mean request and its answer, as far as they are stated: no context may be shorter."""
        return max(1, (self.input_tokens or 0) + (self.output_tokens or 0))

    @property
    def has_targets(self) -> bool:
        """Whether any latency is asked for."""
        return any(target is not None for target in (self.ttft_ms, self.tpot_ms, self.answer_ms))


def refuse_longer_requests(workload: Workload, model: str) -> None:
    """Raise BadInput where a mean request and its answer are longer than the context."""
    if workload.context is not None and workload.least_context > workload.context:
        expected = f"at least {workload.least_context:,}, the tokens of a mean request and its answer"
        raise BadInput(f"is {workload.context}", where=model, field="context", expected=expected)


def describe(workload: Workload) -> str:
    """One phrase: `64 sequences of 8,192 tokens`, `20 requests/s of up to 8,192 tokens, 50 ms a token`."""
    context = f"{workload.context:,} tokens" if workload.context else "the full context"
    rates = [f"{workload.requests_per_second:g} requests/s"] if workload.requests_per_second else []
    rates += [f"{workload.tokens_per_second:g} output tokens/s"] if workload.tokens_per_second else []
    if rates:
        what = f"{' and '.join(rates)} of up to {context}"
    else:
        what = f"{workload.concurrency:,} sequence{'s' if workload.concurrency > 1 else ''} of {context}"
    return ", ".join([what, *describe_targets(workload)])


def describe_targets(workload: Workload) -> list[str]:
    """A phrase a latency target: `first token within 500 ms`, `50 ms a token`, `answers within 9000 ms`."""
    targets = [f"first token within {workload.ttft_ms:g} ms"] if workload.ttft_ms else []
    targets += [f"{workload.tpot_ms:g} ms a token"] if workload.tpot_ms else []
    return [*targets, *([f"answers within {workload.answer_ms:g} ms"] if workload.answer_ms else [])]
