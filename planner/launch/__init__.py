"""Launch commands and config files, read back to model, engine, layout and limits.

`read` takes what people paste: a shell line with all its spellings, a `docker run`, a script, a
Compose file, a Kubernetes manifest, a folder of exported files. What it does not know it names.
"""

from planner.launch.launch import Launch
from planner.launch.source import read, read_all

__all__ = ["Launch", "read", "read_all"]
