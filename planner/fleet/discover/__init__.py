"""Inventories from what people have: nvidia-smi, rocm-smi, amd-smi, Kubernetes and Slurm, live or saved."""
