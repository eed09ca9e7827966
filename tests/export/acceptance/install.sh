#!/usr/bin/env bash
# Install the engines' own parsers for `make test-engines`, each in a room of its own under .engines/, and fetch the
# schemas of platforms. About 9 GB and 10 minutes, more with LLAMACPP=1 (it is compiled). No GPU is needed.
# Rooms can be named instead: GPUPLAN_VLLM_PYTHON, GPUPLAN_SGLANG_PYTHON, GPUPLAN_HF_PYTHON, GPUPLAN_RAY_PYTHON,
# GPUPLAN_SKYPILOT_PYTHON, GPUPLAN_SCHEMAS, GPUPLAN_LLAMACPP_BIN.
set -euo pipefail
cd "$(dirname "$0")/../../.."
python=${PYTHON:-python3}
pip=(-m pip install --quiet --disable-pip-version-check)
torch=(torch==2.13.0 --extra-index-url https://download.pytorch.org/whl/cpu)  # pinned in every command: a later
                                                                              # resolution would bring a CUDA build
room() {  # room NAME VARIABLE: true when the room has to be made
    [ -z "${!2:-}" ] && [ ! -e ".engines/$1/ready" ] || return 1
    "$python" -m venv ".engines/$1"
}

if room vllm GPUPLAN_VLLM_PYTHON; then
    .engines/vllm/bin/python "${pip[@]}" "${torch[@]}" -r tests/export/acceptance/vllm-dependencies.txt
    .engines/vllm/bin/python "${pip[@]}" --no-deps vllm==0.33.0 compressed-tensors==0.17.0
    touch .engines/vllm/ready
fi
if room sglang GPUPLAN_SGLANG_PYTHON; then
    .engines/sglang/bin/python "${pip[@]}" "${torch[@]}" -r tests/export/acceptance/sglang-dependencies.txt
    .engines/sglang/bin/python "${pip[@]}" --no-deps sglang==0.5.23 compressed-tensors
    touch .engines/sglang/ready
fi
if room hf GPUPLAN_HF_PYTHON; then
    .engines/hf/bin/python "${pip[@]}" "${torch[@]}" accelerate==1.15.0 transformers==5.19.0
    touch .engines/hf/ready
fi
if room ray GPUPLAN_RAY_PYTHON; then
    # Ray Serve LLM imports vLLM: its room sees the one of vLLM.
    vllm=${GPUPLAN_VLLM_PYTHON:-.engines/vllm/bin/python}
    "$vllm" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
        > "$(.engines/ray/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/vllm.pth"
    .engines/ray/bin/python "${pip[@]}" "ray[serve]==2.60.0" pyarrow httpx
    touch .engines/ray/ready
fi
if room skypilot GPUPLAN_SKYPILOT_PYTHON; then
    .engines/skypilot/bin/python "${pip[@]}" skypilot==0.14.1
    touch .engines/skypilot/ready
fi
if [ -z "${GPUPLAN_SCHEMAS:-}" ]; then
    mkdir -p .engines/schemas
    fetch() { [ -s ".engines/schemas/$1" ] || curl -fsSL -o ".engines/schemas/$1" "https://raw.githubusercontent.com/$2"; }
    fetch lws.yaml kubernetes-sigs/lws/060ab4da17eea1f0865fcbd3236bb1075e2cea32/config/crd/bases/leaderworkerset.x-k8s.io_leaderworkersets.yaml
    fetch kserve.yaml kserve/kserve/aaac4e294dae2c7b1aa1886447793f3aa1c30912/config/crd/full/llmisvc/serving.kserve.io_llminferenceservices.yaml
    fetch dynamo.yaml ai-dynamo/dynamo/29a131e8e8f2fb69e2d137bc229b36c34ca44a90/deploy/operator/config/crd/bases/nvidia.com_dynamographdeployments.yaml
    fetch llmd.json llm-d-incubation/llm-d-modelservice/3051935eb5a49f6df21cd6aeb5e4f05b98799262/charts/llm-d-modelservice/values.schema.json
    fetch compose.json compose-spec/compose-spec/170098ba07d9f53c383a41bfd4c5166b0a4529a6/schema/compose-spec.json
fi
if [ -n "${LLAMACPP:-}" ] && [ -z "${GPUPLAN_LLAMACPP_BIN:-}" ] && [ ! -e .engines/llamacpp/ready ]; then
    mkdir -p .engines/llamacpp
    "$python" -m pip download --quiet --no-deps --no-binary :all: -d .engines/llamacpp llama-cpp-python==0.3.36
    tar -xf .engines/llamacpp/llama_cpp_python-0.3.36.tar.gz -C .engines/llamacpp
    source=.engines/llamacpp/llama_cpp_python-0.3.36/vendor/llama.cpp
    cmake -S "$source" -B .engines/llamacpp/build -DGGML_RPC=ON -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_UI=OFF
    cmake --build .engines/llamacpp/build -j 2 --target llama-server ggml-rpc-server
    touch .engines/llamacpp/ready
fi
