"""Work shared out between two processes gives what one would have given.

Processes are copied only where no other thread runs, as there do in workers of pytest-xdist: tests start their own.
"""

import os
import subprocess
import sys
from textwrap import dedent

import pytest

from planner.solve.side_by_side import side_by_side


def alone(code: str) -> None:
    """Run code in a process without other threads; its assertions are the test's."""
    start = "from planner.solve.side_by_side import side_by_side\n"
    done = subprocess.run([sys.executable, "-c", start + dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_all_items_come_back_in_order() -> None:
    assert side_by_side(lambda item: item**2, 40) == [item**2 for item in range(40)]
    alone("assert side_by_side(lambda item: item**2, 40) == [item**2 for item in range(40)]")


def test_both_processes_work() -> None:
    """Two items that each wait until the other one was begun."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor")
    alone("""
        import multiprocessing, os
        meet = multiprocessing.get_context("fork").Barrier(2)
        def begin(item):
            meet.wait(60)
            return os.getpid()
        assert len(set(side_by_side(begin, 2))) == 2
    """)


def test_common_objects_stay_the_same() -> None:
    """What both processes had before is not copied; what they make is."""
    alone("""
        import time
        class Thing: pass
        things = [Thing() for _ in range(20)]
        def work(item):
            time.sleep(0.01)
            return things[item], Thing()
        found = side_by_side(work, 20, things)
        assert [same for same, _ in found] == things
        assert all(isinstance(new, Thing) for _, new in found)
    """)


def test_an_error_is_raised_wherever_it_was_met() -> None:
    """Bad input of any item is bad input of the whole."""
    alone("""
        import multiprocessing
        from planner.errors import BadInput
        parent = multiprocessing.current_process().name
        for refusing_parent in (True, False):
            meet = multiprocessing.get_context("fork").Barrier(2)
            def refuse(item):
                meet.wait(60)
                if (multiprocessing.current_process().name == parent) == refusing_parent:
                    raise BadInput("is not good", where=f"item {item}")
            try:
                side_by_side(refuse, 2)
            except BadInput as error:
                assert "is not good" in str(error)
            else:
                raise AssertionError("nothing was raised")
    """)


def test_what_a_copy_leaves_undone_is_done_here() -> None:
    """The system may end it where memory is short."""
    alone("""
        import multiprocessing, os
        parent, meet, met = os.getpid(), multiprocessing.get_context("fork").Barrier(2), []
        def work(item):
            if os.getpid() != parent:
                meet.wait(60)
                os._exit(1)
            if not met:
                met.append(meet.wait(60))
            return item
        assert side_by_side(work, 5) == [0, 1, 2, 3, 4]
    """)


def test_a_problem_is_priced_alike() -> None:
    """The shapes that two processes keep are those that one keeps, and considers as many."""
    alone("""
        from planner.request import Request
        from planner.solve import problem as problems
        names = "qwen3-30b-a3b", "llama-3.1-8b", "qwen3-8b", "gpt-oss-20b"
        models = [{"model": name, "workload": {"context": 4096, "concurrency": 64}} for name in names]
        request = Request.parse({"models": models, "on": "2x8xH100-SXM, 3x4xL4, 1x8xA100-SXM-40GB"}, where="request")
        found = []
        for many in (0, 10**9):
            problems.MANY_LAYOUTS = many
            problem = problems.read_problem(request)
            found.append(([(s.rank, s.capacity, s.bill, s.headroom) for s in problem.kept], problem.considered))
            assert all(any(shape.variant is one for one in problem.variants[shape.wanted]) for shape in problem.kept)
        assert found[0] == found[1] and len(found[0][0]) > 20
    """)
