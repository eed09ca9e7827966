"""The requests that a replica sees: lengths, what the prefix cache saves, what speculation guesses."""

from dataclasses import dataclass
from math import inf

from planner.workload import Workload

USUAL_INPUT, USUAL_OUTPUT = 1024, 256
"""Tokens of a prompt and an answer when the workload does not say (chat traffic; stated in the assumptions)."""


@dataclass(frozen=True)
class Traffic:
    """Mean lengths in tokens. `cached` prompt tokens come from the prefix cache and are not computed.

    `drafted` tokens are checked for a sequence in one step, of which `accepted` are kept on average.
    `equal`: all requests have these very lengths, as load generators send them. `rounds` follow one another from
    the moment when all start at once; without end in real traffic.
    """

    input: float
    output: float
    cached: float = 0.0
    drafted: float = 1.0
    accepted: float = 1.0
    equal: bool = False
    rounds: float = inf
    assumptions: tuple[str, ...] = ()

    @property
    def prompt(self) -> float:
        """Prompt tokens that must be computed: at least the last one."""
        return max(1.0, self.input - self.cached)

    @property
    def steps(self) -> float:
        """Decoding steps after the first token."""
        return max(0.0, self.output - 1) / self.accepted

    @property
    def context(self) -> float:
        """Mean length of a sequence while it decodes."""
        return self.input + self.output / 2


def traffic(workload: Workload) -> Traffic:
    """Read the traffic of a workload; usual lengths, cut to the context and stated, where it gives none."""
    notes = []
    prompt, answer = workload.input_tokens, workload.output_tokens
    if answer is None:
        answer = min(USUAL_OUTPUT, max(1, (workload.context or 4 * USUAL_OUTPUT) // 4))
        notes.append(f"output tokens not given: speed is for answers of {answer:,}")
    if prompt is None:
        prompt = min(USUAL_INPUT, max(1, (workload.context or USUAL_INPUT + answer) - answer))
        notes.append(f"input tokens not given: speed is for prompts of {prompt:,}")
    guesses, chance = workload.speculative_tokens, workload.acceptance
    return Traffic(
        input=float(prompt),
        output=float(answer),
        cached=workload.prefix_hit_rate * prompt,
        drafted=1.0 + guesses,
        accepted=accepted_tokens(guesses, chance),
        equal=workload.equal_lengths,
        rounds=workload.rounds or inf,
        assumptions=tuple(notes),
    )


def accepted_tokens(guesses: int, chance: float) -> float:
    """Tokens that a step yields with `guesses` drafts, each kept with `chance` while all before it were.

    1 + a + a^2 + ... + a^k (Leviathan et al., arXiv 2211.17192, equation 1).
    """
    return sum(chance**position for position in range(guesses + 1))
