"""The JSON of each verb as documents: what `--json` prints and `gpuplan schema VERB` describes."""
