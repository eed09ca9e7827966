"""Requests one by one: of given mean lengths, like published traffic, or from a trace file."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log, sqrt
from pathlib import Path
from random import Random

from planner.errors import BadInput

_SEED = 20240229
_COLUMNS = {
    "arrival": ("arrival", "arrival_s", "timestamp_s"),
    "prompt": ("input_tokens", "prompt_tokens", "ContextTokens", "num_prefill_tokens"),
    "output": ("output_tokens", "GeneratedTokens", "num_decode_tokens"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `arrival` in seconds, lengths in tokens."""

    arrival: float
    prompt: int
    output: int


@dataclass(frozen=True, slots=True)
class Lengths:
    """Log-normal lengths by mean and median."""

    mean: float
    median: float

    def draw(self, chance: Random) -> int:
        """Draw one length of at least a token."""
        spread = sqrt(2 * log(self.mean / self.median)) if self.mean > self.median else 0.0
        return max(1, round(self.median * exp(spread * chance.gauss(0, 1))))


PRESETS = {
    "azure-conversation": (Lengths(1155, 1020), Lengths(211, 129)),
    "azure-code": (Lengths(2048, 1500), Lengths(28, 13)),
    "sharegpt": (Lengths(161, 90), Lengths(338, 210)),
}
"""Prompts and answers like published traffic. Azure: medians of Splitwise (arXiv 2311.18677, section 3), means of
its public traces. ShareGPT: means of arXiv 2309.06180, figure 11; its medians are read off the same figure."""


def drawn(prompt: Lengths, output: Lengths, count: int, rate: float | None) -> list[Request]:
    """Return `count` requests that arrive by chance at `rate` a second (all at once for None); always the same."""
    chance, now, found = Random(_SEED), 0.0, []
    for _ in range(count):
        now += chance.expovariate(rate) if rate else 0.0
        found.append(Request(now, prompt.draw(chance), output.draw(chance)))
    return found


def read_trace(path: Path) -> list[Request]:
    """Read a CSV with lengths and, where known, arrival times in seconds; raises BadInput.

    Headings as in the Azure LLM traces (ContextTokens, GeneratedTokens) or ours (arrival_s, input_tokens,
    output_tokens).
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return sorted(_rows(csv.DictReader(file), path), key=lambda request: request.arrival)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", where=path) from None


def _rows(reader: csv.DictReader, path: Path) -> Iterator[Request]:  # type: ignore[type-arg]
    names = {
        part: next((c for c in columns if c in (reader.fieldnames or ())), None) for part, columns in _COLUMNS.items()
    }
    for part in ("prompt", "output"):
        if names[part] is None:
            raise BadInput("has no such column", where=path, field=part, expected=" or ".join(_COLUMNS[part]))
    for number, row in enumerate(reader, 2):
        try:
            arrival = float(row[names["arrival"]]) if names["arrival"] else 0.0
            prompt, output = int(row[names["prompt"] or ""]), int(row[names["output"] or ""])
        except (TypeError, ValueError):
            raise BadInput(f"line {number} has no numbers where they belong", where=path) from None
        if prompt < 1 or output < 1:
            raise BadInput(f"line {number} has a length below 1", where=path)
        yield Request(arrival, prompt, output)
