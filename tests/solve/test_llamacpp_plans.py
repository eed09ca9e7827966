"""Plans for llama.cpp: slots with a cache of their own each, unequal cards in one pipeline, GGUF types allowed."""

from planner import check, plan


def test_slots_are_as_many_as_fit() -> None:
    """Each slot reserves its whole context: a replica is given as many as its cards hold, not the usual four."""
    found = plan("llama-3.1-8b:Q4_K_M", "4xRTX-4090", context=8192, concurrency=60, engine="llamacpp")
    replicas = found.deployments[0].replicas
    slots = [replica.layout.max_num_seqs for replica in replicas]
    assert sum(slots) >= 60 and found.gpus_used == 3
    assert all(replica.capacity.sequences == replica.layout.max_num_seqs for replica in replicas)
    assert check(found) == []


def test_a_type_that_is_allowed_brings_the_model_onto_the_cards() -> None:
    wishes = {"allow": {"quantization": ["Q8_0", "Q4_K_M"]}}
    found = plan("llama-3.3-70b", "2xRTX-3090", context=8192, concurrency=2, engine="llamacpp", wishes=wishes)
    assert found.deployments[0].model.endswith(":Q4_K_M")
    assert check(found) == []


def test_a_longer_pipeline_is_tried_where_a_shorter_one_was_given_fewer_slots() -> None:
    made = plan("huggyllama/llama-30b", "4x4090", context=2048, concurrency=4, engine="llamacpp")
    assert made.status == "optimal"
    assert [replica.layout.label() for replica in made.deployments[0].replicas] == ["TP1 PP4"]


def test_a_smaller_file_is_named_as_a_fix() -> None:
    document = plan("llama-3.3-70b", "2x3090", engine="llamacpp", context=8192)
    changes = [fix["change"] for fix in document.fixes]
    assert {"models.0.allow.quantization": ["Q4_K_M"]} in changes
    assert {"models.0.allow.quantization": ["Q8_0"]} not in changes
