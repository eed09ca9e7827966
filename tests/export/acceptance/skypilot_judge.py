"""Run by an interpreter that has SkyPilot: `sky.Task.from_yaml` judges task files.

Reads one JSON object a line, {"file": "task.yaml"}, and answers with the number of nodes and the accelerators.
Accelerator names are checked against SkyPilot's catalogue only where it can be fetched.
"""

import json
import os
import sys
import tempfile

os.environ["HOME"] = tempfile.mkdtemp()  # SkyPilot keeps state under it


def main():
    """Answer line by line; what SkyPilot prints goes to stderr."""
    answers, sys.stdout = sys.stdout, sys.stderr
    import sky

    for line in sys.stdin:
        try:
            task = sky.Task.from_yaml(json.loads(line)["file"])
            (resources,) = task.resources
            answer = {"ok": True, "num_nodes": task.num_nodes, "accelerators": resources.accelerators}
        except BaseException as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {str(error)[:1000]}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
