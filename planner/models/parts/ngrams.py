"""Tables of n-grams (Qwen4-Exp): hashes of the last tokens, each head modulo a prime of its own."""

from planner.models.config_json import Config

_MOST_HEADS, _MOST_ROWS = 1_000, 10**9


def ngram_rows(config: Config, table: int) -> tuple[int, int]:
    """Return rows and heads of the table with this number (modeling_qwen4_exp.py of transformers).

    The heads of all tables take the primes from `ngram_vocab_size_base` on, one after the other.
    """
    sizes = config.integer("ngram_size", least=2, most=_MOST_HEADS) - 1
    heads = sizes * config.integer("heads_per_ngram", most=_MOST_HEADS)
    base, multiple = (
        config.integer("ngram_vocab_size_base", most=_MOST_ROWS),
        config.integer("make_ngram_vocab_size_divisible_by"),
    )
    if (table + 1) * heads > _MOST_HEADS:
        raise config.wrong("heads_per_ngram", config.get("heads_per_ngram"), f"at most {_MOST_HEADS:,} in all tables")
    primes = _primes_from(base, (table + 1) * heads)
    return -(-sum(primes[table * heads :]) // multiple) * multiple, heads


def _primes_from(start: int, count: int) -> list[int]:
    found: list[int] = []
    number = max(start, 2)
    while len(found) < count:
        if _is_prime(number):
            found.append(number)
        number += 1
    return found


def _is_prime(number: int) -> bool:
    """Miller-Rabin with the bases that decide every number below 3.2 billion (Jaeschke, 1993)."""
    bases = (2, 3, 5, 7)
    if number < 11 or any(number % base == 0 for base in bases):
        return number in bases
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(
        pow(base, odd, number) == 1 or any(pow(base, odd << power, number) == number - 1 for power in range(twos))
        for base in bases
    )
