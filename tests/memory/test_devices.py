"""Devices by rank: runs and what they stand for are the same thing."""

from dataclasses import replace

from planner.memory.device_bill import DeviceBill
from planner.memory.devices import Devices, Run

WIDE = DeviceBill(0, 0, 50, 20, 5, 3, 2, 100, 90)
NARROW = replace(WIDE, weights_bytes=40)


def test_ranks_are_numbered_over_the_stages() -> None:
    devices = Devices([Run(WIDE, 0, 2), Run(NARROW, 0, 1), Run(WIDE, 1, 3)])
    assert len(devices) == 6
    assert [(device.rank, device.stage, device.weights_bytes) for device in devices] == [
        (0, 0, 50),
        (1, 0, 50),
        (2, 0, 40),
        (3, 1, 50),
        (4, 1, 50),
        (5, 1, 50),
    ]
    assert devices == Devices.listed(devices)
    assert devices[-1].stage == 1 and devices[1:3] == (devices[1], devices[2])


def test_sums_and_firsts_are_those_of_the_written_out_devices() -> None:
    devices = Devices([Run(NARROW, 0, 1), Run(WIDE, 0, 2), Run(WIDE, 1, 3)])
    assert devices.total(lambda one: one.weights_bytes) == sum(device.weights_bytes for device in devices) == 290
    assert {stage: first.weights_bytes for stage, first in devices.firsts.items()} == {0: 40, 1: 50}
