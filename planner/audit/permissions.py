"""What the request allows: nodes, changes to the model, number and lie of the replicas."""

from collections import Counter
from collections.abc import Iterator, Sequence

from planner.audit.subject import Subject
from planner.engines.sharing import may_share
from planner.fleet.inventory import Inventory
from planner.fleet.requested_inventory import may_use
from planner.models.quantization.checkpoints import quantized_checkpoints
from planner.models.source import load_model
from planner.plan_document import Plan
from planner.request import Allowed
from planner.solve.rules import domain_of
from planner.units import count


def permission_findings(subject: Subject, plan: Plan, inventory: Inventory) -> Iterator[str]:
    """Yield what one replica does against the request."""
    wanted, allow, label = subject.wanted, subject.wanted.allow, subject.label
    for name, node in subject.nodes(inventory).items():
        if not may_use(plan.request, subject.place, node):
            yield f"{label}: the request does not let it run on {name}"
    shared = [stage for stage in subject.replica.stages if stage.share_percent is not None]
    if shared and not (allow.share_gpus and may_share(subject.engine)):
        yield f"{label}: may not share a GPU: the request does not allow it, or {subject.engine.name} cannot"
    if shared and len(subject.devices) > 1:
        yield f"{label}: has {len(subject.devices)} devices, and only one may be shared"
    if subject.engine.name not in (wanted.engine, *allow.engines):
        yield f"{label}: the request allows {wanted.engine}, not {subject.engine.name}"
    layout, limits = subject.replica.layout, wanted.limits
    if layout.kv_cache_dtype not in _cache_dtypes(subject, inventory):
        yield f"{label}: the request does not allow a KV cache in {layout.kv_cache_dtype}"
    context = limits.max_model_len or wanted.workload.context or subject.model.max_context
    least = min(context, allow.context_down_to or context)
    if layout.max_model_len < least:
        yield f"{label}: its longest sequence is {layout.max_model_len:,} tokens, of {least:,} asked for"
    on_load, source = subject.deployment.quantized_on_load, subject.deployment.source or wanted.model
    if on_load is not None and on_load not in allow.quantization:
        yield f"{label}: the request does not allow weights in {on_load}"
    if source != wanted.model and source not in allow.checkpoints and not _stored(source, wanted.model, allow):
        yield f"{label}: the request does not allow {source} in place of {wanted.model}"


def _cache_dtypes(subject: Subject, inventory: Inventory) -> set[str]:
    """Cache dtypes that will do, as the engine resolves them."""
    limits, allowed = subject.wanted.limits, subject.wanted.allow.kv_cache_dtype
    gpu = next((node.gpus[0] for node in subject.nodes(inventory).values()), None)
    if gpu is None:
        return {limits.kv_cache_dtype or "auto", *allowed}
    asked = [limits, *(limits.model_copy(update={"kv_cache_dtype": dtype}) for dtype in allowed)]
    return {subject.engine.layout(subject.model, gpu, one).kv_cache_dtype for one in asked}


def _stored(source: str, asked: str, allow: Allowed) -> bool:
    name = load_model(asked).name
    return any(source in quantized_checkpoints(name, scheme) for scheme in allow.quantization)


def lie_findings(subjects: Sequence[Subject], inventory: Inventory) -> Iterator[str]:
    """Yield how the replicas of one model lie against the request."""
    if not subjects:
        return
    wanted, name = subjects[0].wanted, subjects[0].deployment.model
    if len(subjects) < wanted.least_replicas:
        yield f"{name}: {count(len(subjects), 'replica')}, at least {wanted.least_replicas} asked for"
    if wanted.most_replicas is not None and len(subjects) > wanted.most_replicas:
        yield f"{name}: {count(len(subjects), 'replica')}, at most {wanted.most_replicas} asked for"
    kind = wanted.spread or wanted.pack
    if kind is None:
        return
    touched: Counter[str] = Counter()
    for subject in subjects:
        touched.update({domain_of(node, kind) for node in subject.nodes(inventory).values()})
    if wanted.spread and max(touched.values(), default=0) > 1:
        domain, times = touched.most_common(1)[0]
        yield f"{name}: {times} replicas in {domain}, to be spread by {kind}"
    if wanted.pack and len(touched) > 1:
        yield f"{name}: lies in {', '.join(sorted(touched))}, to be packed in one {kind}"
