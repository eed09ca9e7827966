"""All runs flattened into arrays, so that one evaluation of all recorded runs takes milliseconds.

The operators come from the product's own code and so do the roofline and the composition of a round; only the
sum over kernels and collectives is done here with numpy.
"""

from dataclasses import dataclass
from math import inf

import numpy as np

from benchmarks.speed.parameters import ENGINE, FORMATS, Parameters
from planner.backtest.speed.row import SpeedRun
from planner.speed.achieved import Host, family, generation, own_kernels, scheduling
from planner.speed.collectives import link_constants
from planner.speed.compute_format import engine_flops
from planner.speed.replica import replica
from planner.speed.roofline import seconds
from planner.speed.room import Room, running_limit, step_tokens
from planner.speed.steady_state import Steps, ahead, loads, round_times
from planner.speed.step import exchanges, hand_over
from planner.speed.traffic import traffic
from planner.speed.work import Kind

_STAGES = 16


@dataclass
class Timed:
    """Predictions of all runs, in seconds and output tokens a second of one copy."""

    ttft: np.ndarray
    tpot: np.ndarray
    tokens: np.ndarray
    requests: np.ndarray
    own: np.ndarray


class Arrays:
    """Works and collectives of every run's two kinds of steps, at the present guess of what decodes."""

    def __init__(self, runs: list[SpeedRun], made: Parameters) -> None:
        self.runs, self.made, n = runs, made, len(runs)
        self.traffic = [traffic(run.workload) for run in runs]
        self.engine = [generation(run.engine.name, run.engine.version) for run in runs]
        self.family = [family(run.gpu, run.engine.name) for run in runs]
        how = [scheduling(engine) for engine in self.engine]
        self.mixes = np.array([float(h.mixes) for h in how])
        self.ahead = np.array([ahead(t, h) for t, h in zip(self.traffic, how, strict=True)])
        limits = [
            running_limit(r.model, r.layout, r.sites, r.engine, t, reserves=h.reserves)
            for r, t, h in zip(runs, self.traffic, how, strict=True)
        ]
        wanted = [
            (w.total_requests or inf) / r.replicas if r.saturated else w.concurrency / r.replicas
            for r in runs
            for w in [r.workload]
        ]
        self.running = np.array([max(1.0, min(a, b)) for a, b in zip(limits, wanted, strict=True)])
        self.job = np.array([(r.workload.total_requests or inf) / r.replicas for r in runs])
        self.saturated = np.array([r.saturated for r in runs])
        self.fits = np.array([limit >= 1 for limit in limits])
        self.steps = np.array([t.steps for t in self.traffic])
        self.prompt = np.array([t.prompt for t in self.traffic])
        self.answer = np.array([t.output for t in self.traffic])
        self.equal = np.array([float(t.equal) for t in self.traffic])
        self.poll = np.array([float(r.layout.options.get("scheduler_recv_interval", 1)) for r in runs])
        self.stages = np.array([r.layout.pipeline_parallel_size for r in runs])
        self.decoding = self.running.copy()
        self.prefill, self.behind, self.batches = np.zeros(n), np.zeros(n), np.ones((2, n))
        self._index()
        self.build()

    def _index(self) -> None:
        at = self.made.index
        families = ("bandwidth", "kernel_us")
        self.at = {name: np.array([at[f"{name}.{f}"] for f in self.family]) for name in families}
        engines = [name for name in ENGINE if name != "bandwidth"]
        self.at |= {name: np.array([at[f"{name}@{e}"] for e in self.engine]) for name in engines}
        self.at["engine_bandwidth"] = np.array([at[f"bandwidth@{e}"] for e in self.engine])
        self.at_narrow = np.array([[at[f"format_bandwidth.{fmt}.{f}"] for fmt in FORMATS] for f in self.family])
        self.at_compute = np.array([[at[f"compute.{fmt}.{f}"] for fmt in FORMATS] for f in self.family])

    def build(self) -> None:
        """Write out the works and collectives for the present `decoding`."""
        works, links = [], []
        for i, run in enumerate(self.runs):
            made = replica(run.model, run.layout, run.sites, self.engine[i])
            room = Room(self.running[i], step_tokens(run.layout))
            two = loads(made, self.traffic[i], room, self.running[i], self.decoding[i])
            self.prefill[i] = two[1].prefill
            self.behind[i] = max(0.0, two[1].prefill / two[1].piece / made.groups - 1)
            parts = [made.part(load, made.batches(load)) for load in two]
            self.batches[:, i] = [made.batches(load) for load in two]
            if len(made.stages) > 1:
                parts.append(made.first_piece(two[1]))
            for which, part in enumerate(parts):
                for s, stage in enumerate(made.stages):
                    slot = (which * len(self.runs) + i) * _STAGES + s
                    site = made.sites[s]
                    even, fullest = stage.works(part, 0.0), stage.works(part, 1.0)
                    for a, b in zip(even, fullest, strict=True):
                        peak = engine_flops(run.gpu, a.format, half_sums=own_kernels(self.engine[i]))
                        bandwidth = run.gpu.bandwidth
                        works.append((
                            slot, i, a.kind, FORMATS.index(a.format), a.times, a.launches,
                            a.flops / peak, (b.flops - a.flops) / peak,
                            a.bytes / bandwidth, (b.bytes - a.bytes) / bandwidth,
                        ))  # fmt: skip
                    if part.prefill:
                        links.append((slot, i, 0, 0, 0.0, "latent", stage.latent_layers))
                    over = [hand_over(stage, part, site)] if s < len(made.stages) - 1 else []
                    for one in exchanges(stage, part, site) + over:
                        links.append((slot, i, one.times, one.ranks, one.wire / (one.gbps * 1e9), str(one.link), 0))
        columns = list(zip(*works, strict=True))
        self.w_slot, self.w_run, self.w_kind, self.w_format = (np.array(c, int) for c in columns[:4])
        self.w_times, self.w_launches, self.w_flops, self.w_flops_more, self.w_bytes, self.w_bytes_more = (
            np.array(c, float) for c in columns[4:]
        )
        self.latent = np.zeros(3 * len(self.runs) * _STAGES)
        for link in links:
            if link[5] == "latent":
                self.latent[link[0]] += link[6]
        self.links = {}
        for name in {link[5] for link in links} - {"latent"}:
            columns = list(zip(*[link[:5] for link in links if link[5] == name], strict=True))
            self.links[name] = tuple(np.array(c, float) for c in columns)

    def predict(self, vector: np.ndarray) -> Timed:
        """Return the predictions of all runs for a vector of parameters."""
        v, at = np.exp(vector), self.made.index
        busy = self._stage_seconds(v)
        cycle = np.maximum(busy[:2].sum(axis=2), self.batches * busy[:2].max(axis=2))
        host = Host(
            step=v[self.at["step_us"]] * 1e-6,
            sequence=v[self.at["sequence_us"]] * 1e-6,
            launch=v[self.at["launch_us"]] * 1e-6,
            request=v[self.at["request_ms"]] * 1e-3,
        )
        groups = np.array([r.layout.data_parallel_size for r in self.runs])
        between = host.step + host.sequence * self.decoding / groups / self.batches[0]
        alone = host.step + np.where(self.mixes > 0, host.sequence * self.decoding / groups / self.batches[1], 0.0)
        through = np.where(self.stages > 1, busy[2].sum(axis=1) + self.behind * busy[2].max(axis=1), cycle[1])
        steps = Steps(
            self.running, self.steps, self.prompt, self.prefill, cycle[0] + between, cycle[1] + alone,
            through + alone, self.poll, self.mixes, self.equal, self.ahead,
        )  # fmt: skip
        times = round_times(steps, host, v[self.at["late"]])
        ttft, step, own = times.ttft, times.step, times.own
        whole = ttft + self.steps * step - np.where(self.saturated, host.request, 0.0)
        rate = self.running / whole
        job = np.where(np.isfinite(self.job), self.job, 1e12)
        rate = np.where(self.saturated, rate * job / (job + v[at["drain"]] * self.running), rate)
        return Timed(ttft, step, rate * self.answer, rate, own)

    def settle(self, vector: np.ndarray) -> None:
        """Move `decoding` to what the predictions imply and write the works out anew."""
        timed = self.predict(vector)
        self.decoding = np.maximum(self.running - timed.ttft * timed.requests, self.running / 20)
        self.build()

    def _stage_seconds(self, v: np.ndarray) -> np.ndarray:
        at, run, n = self.made.index, self.w_run, len(self.runs)
        kinds = np.array([at[f"kind_compute.{kind.name}"] for kind in Kind])
        bands = np.array([at[f"kind_bandwidth.{kind.name}"] for kind in Kind])
        formats = np.array([at[f"compute.{fmt}"] for fmt in FORMATS])
        narrow = np.array([at[f"format_bandwidth.{fmt}"] for fmt in FORMATS])
        weighs = np.isin(self.w_kind, [int(Kind.MATMUL), int(Kind.EXPERTS)])
        experts = np.where(self.w_kind == int(Kind.EXPERTS), v[self.at["experts"]][run], 1.0)
        attends = np.isin(self.w_kind, [int(Kind.DECODE_ATTENTION), int(Kind.PREFILL_ATTENTION)])
        attention = np.where(attends, v[self.at["attention"]][run], 1.0)
        rate = (
            v[formats][self.w_format] * v[self.at_compute[run, self.w_format]] * v[kinds][self.w_kind]
            * v[self.at["compute"]][run] * experts * attention
        )  # fmt: skip
        bandwidth = (
            v[at["bandwidth"]] * v[self.at["bandwidth"]][run] * v[bands][self.w_kind]
            * v[self.at["engine_bandwidth"]][run]
            * np.where(weighs, v[narrow][self.w_format] * v[self.at_narrow[run, self.w_format]], 1.0)
            * attention
        )  # fmt: skip
        floor = (v[at["kernel_us"]] * v[self.at["kernel_us"]] * v[self.at["kernel"]] * 1e-6)[run]
        flops = self.w_flops + self.w_flops_more * v[at["imbalance"]]
        bytes_ = self.w_bytes + self.w_bytes_more * v[at["imbalance"]]
        size = 3 * n * _STAGES
        slots = np.bincount(
            self.w_slot, self.w_times * seconds(flops, bytes_, self.w_launches, rate, bandwidth, floor), minlength=size
        )
        launches = np.bincount(self.w_slot, self.w_times * self.w_launches, minlength=size)
        launches = launches + v[at["latent_launches"]] * self.latent
        second = np.arange(size) >= size // 3
        owner = (np.arange(size) // _STAGES) % n
        slots = slots + np.where(second, launches * v[self.at["launch_us"]][owner] * 1e-6, 0.0)
        for name, (slot, owner_run, times, ranks, wire) in self.links.items():
            fit = link_constants()[name]
            field = {key: v[at[f"{key}~{name}"]] if f"{key}~{name}" in at else fit[key] for key in fit}
            latency = field["latency_us"] * 1e-6 * (1 + field["hop"] * (ranks - 2))
            latency = latency * v[self.at["link_latency"]][owner_run.astype(int)]
            share = field["share"] * (2 / ranks) ** field["crowding"]
            slots = slots + np.bincount(slot.astype(int), times * (latency + wire / share), minlength=size)
        return slots.reshape(3, n, _STAGES)
