"""Shell text as people paste it."""

import pytest

from planner.errors import BadInput
from planner.launch.shell import commands


def words(text: str) -> list[list[str]]:
    return [found for found, _ in commands(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vllm serve a \\\n  --x 1", [["vllm", "serve", "a", "--x", "1"]]),
        ("vllm serve a \\  \n  --x 1", [["vllm", "serve", "a", "--x", "1"]]),
        ("llama-server.exe -m a ^\r\n -c 8", [["llama-server.exe", "-m", "a", "-c", "8"]]),
        ('a \'b c\' "d \\" e" f\\ g', [["a", "b c", 'd " e', "f g"]]),
        ("a # not this\nb", [["a"], ["b"]]),
        ("a#b", [["a#b"]]),
        ("nohup a > out.log 2>&1 &\nb", [["nohup", "a"], ["b"]]),
        ("a &> out; b && c || d | e", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("X=8\na --tp $X ${Y:-2} ${Z} '$X'", [["a", "--tp", "8", "2", "${Z}", "$X"]]),
        ("a --x $(nproc --all) b", [["a", "--x", "$(nproc --all)", "b"]]),
        ("( A=1 a b )", [["A=1", "a", "b"]]),
        ("user@host:~/dir$ a b", [["a", "b"]]),
        ("$ a b", [["a", "b"]]),
        ("a '{\"k\": 1}'", [["a", '{"k": 1}']]),
    ],
)
def test_words(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


def test_an_open_quote_is_one_clear_line() -> None:
    with pytest.raises(BadInput, match="never closed"):
        words("a 'b c")
