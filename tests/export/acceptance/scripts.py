"""The commands inside exported scripts, as a shell would see them."""

import shlex


def commands(files: dict[str, str]) -> dict[str, tuple[dict[str, str], list[str]]]:
    """Environment and words of every script's `exec env` line, by file name."""
    found = {}
    for name, content in files.items():
        if not name.startswith("serve-") or not name.endswith(".sh"):
            continue
        words = shlex.split(content.splitlines()[-1])
        assert words[:2] == ["exec", "env"]
        at = next(number for number, word in enumerate(words) if number > 1 and "=" not in word)
        found[name] = dict(word.split("=", 1) for word in words[2:at]), words[at:]
    return found
