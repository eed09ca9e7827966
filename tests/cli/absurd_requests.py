"""Requests that ask for what no GPUs can do, or for two things that exclude each other: what must be said of each."""

SMALL = "plan llama-3.1-8b --context 4096 --on 2x2xL4"
MODEL = "- model: llama-3.1-8b\n  workload: {context: 4096%s}\n"

FILES = {
    "racks.yaml": "nodes:\n- {name: a, count: 2, gpus: 2xL4, rack: r1, zone: z1}\n"
    "- {name: b, gpus: 2xL4, rack: r2, zone: z1}\n",
    "kept_back.yaml": "nodes:\n- gpus: 2xL4\n  reserved: [0, 1]\n",
    "one_of_three.yaml": "models:\n" + MODEL % "" * 2 + MODEL % ", concurrency: 1000000000" + "on: 4x2xL4\n",
    "one_too_large.yaml": "models:\n" + MODEL % "" + "- {model: deepseek-v3, workload: {context: 4096}}\non: 4x2xL4\n",
    "pinned_and_excluded.yaml": "models:\n" + MODEL % "" + "  nodes: node0\n  exclude_nodes: node0\non: 2x2xL4\n",
    "no_money.yaml": "models:\n" + MODEL % "" + "max_usd_per_hour: 0\non: cloud:aws?gpu=L4\n",
    "one_at_a_time.yaml": "models:\n"
    + MODEL % ", concurrency: 64"
    + "  limits: {max_num_seqs: 1}\n  most_replicas: 1\non: 2xL4\n",
}

INFEASIBLE = {
    f"{SMALL} --concurrency 1000000000": "asks for 1,000,000,000 sequences of 4,096 tokens, of 4 GPUs in all",
    f"{SMALL} --concurrency {10**30}": "sequences at once instead of",
    f"{SMALL} --requests-per-second 1e300": "requests/s instead of 1e+300",
    f"{SMALL} --tokens-per-second 1e9 --ttft-ms 500": "output tokens/s instead of 1,000,000,000",
    f"{SMALL} --requests-per-second 1000000 --tpot-ms 0.0001": "0.0001 ms a token",
    f"{SMALL} --ttft-ms 1e-300": "gives first token within 1e-300 ms, even to one request",
    f"{SMALL} --answer-ms 1": "answers within 1 ms",
    f"{SMALL} --max-gpus 1 --least-replicas 2": "at least 2 replicas; at most 1 GPU",
    f"{SMALL} --least-replicas 1000000": "add 999,996 l4 GPUs",
    f"{SMALL} --most-replicas 1 --concurrency 100000": "118 sequences at once instead of 100,000",
    f"{SMALL} --spread rack --least-replicas 3": "replicas spread by rack",
    f"{SMALL} --pack rack --least-replicas 3": "replicas in one rack",
    f"{SMALL} --nodes node0 --exclude-nodes node0": "only on node0; llama-3.1-8b: not on node0",
    f"{SMALL} --exclude-nodes *": "also on the excluded nodes",
    f"{SMALL} --gpu-memory-utilization 0.0001": "GiB of working memory a device, of 0.01 GiB usable",
    f"{SMALL} --max-num-seqs 1000000000000": "short on the tightest device",
    "plan llama-3.1-8b --on 2xL4 --context 4096 --survive node": "the load is carried after the loss of any node",
    "plan deepseek-v3 --on 2x2xL4 --context 1024": "144.09 GiB short on the tightest device",
    "plan llama-3.1-8b --on racks.yaml --context 4096 --spread zone --least-replicas 2": "replicas spread by zone",
    "plan llama-3.1-8b --on racks.yaml --context 4096 --nodes b --survive node": "only on b; llama-3.1-8b: the load is",
    "plan llama-3.1-8b --on kept_back.yaml --context 4096": "the inventory holds no usable group of GPUs",
    "plan -f one_of_three.yaml": "sequences at once instead of 1,000,000,000",
    "plan -f one_too_large.yaml": "add 33 l4 GPUs",
    "plan -f pinned_and_excluded.yaml": "only on node0; llama-3.1-8b: not on node0",
    "plan -f no_money.yaml": "instead of 0: about $0.80 an hour",
    "plan -f one_at_a_time.yaml": "carries 1 on 1 GPU",
}
"""A call, and a part of what it says."""

FEASIBLE = {
    f"{SMALL} --requests-per-second 1e-300": "optimal: 1 GPU",
    f"{SMALL} --answer-ms 1e300": "optimal: 1 GPU",
    f"{SMALL} --max-gpus 1000000000000": "optimal: 1 GPU",
    f"{SMALL} --spread rack --least-replicas 2": "optimal: 2 GPUs on 2 nodes",
    "plan llama-3.1-8b --on 1000000x8xH100-SXM --context 4096": "optimal: 1 GPU",
}
"""Strange, and yet there is a plan."""
