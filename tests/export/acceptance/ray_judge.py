"""Run by an interpreter that has Ray Serve beside vLLM: LLMConfig judges a config, vLLM its engine arguments.

Reads one JSON object a line: {"config": {...one of llm_configs...}, and what vllm_judge.py takes}. LLMConfig accepts
any engine argument, so these become words of `vllm serve` and go to vLLM's own parser, config and model classes.
"""

import json
import os
import sys

import vllm_judge  # first: it stands in for the platform that Ray would ask about


def judge(case):
    """Return what Ray and vLLM make of the config; raises whatever they raise."""
    from ray.serve.llm import LLMConfig

    config = LLMConfig(**case["config"])
    engine = dict(config.engine_kwargs)
    engine.pop("distributed_executor_backend")  # a Ray cluster would be asked for its GPUs
    words = [case["folder"]]
    for name, value in engine.items():
        if isinstance(value, bool):
            words += [f"--{name}"] if value else [f"--no-{name}"]
        else:
            words += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    os.environ.update(config.runtime_env["env_vars"] if config.runtime_env else {})
    found = vllm_judge.judge({**case, "argv": [*words, "--skip-tokenizer-init"]})
    return {**found, "accelerator_type": config.accelerator_type}


def main():
    """Answer line by line; what Ray prints goes to stderr."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        case = json.loads(line)
        os.environ.pop("VLLM_PP_LAYER_PARTITION", None)
        try:
            answer = {"ok": True, **judge(case)}
        except BaseException as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {str(error)[:2000]}"}
        print(json.dumps(answer, default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
