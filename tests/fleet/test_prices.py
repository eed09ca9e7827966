"""Price lists: ours, the user's, and newer ones from a file or an address."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import BadInput, GpuplanError
from planner.fleet.inventory import load_inventory
from planner.fleet.price_list import COLUMNS, parse_price_list, price_lines
from planner.fleet.price_listing import price_listing
from planner.fleet.price_update import update_prices

HEADER = "cloud,instance_type,gpu_slug,gpu_count,on_demand_usd_per_hour,on_demand_region,as_of"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GPUPLAN_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("GPUPLAN_PRICES", raising=False)
    return tmp_path


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {"/new.csv": f"{HEADER}\naws,p5.48xlarge,H100,8,50,us-east-1,2026-11-01\n", "/page": "<html>"}
            self.send_response(200 if self.path in known else 404)
            self.end_headers()
            self.wfile.write(known.get(self.path, "").encode())

        def log_message(self, *_: object) -> None:
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()


def test_every_shipped_line_is_an_instance_with_known_gpus(data: Path) -> None:
    assert len(price_lines()) == 171
    assert {line.cloud for line in price_lines()} == {"aws", "azure", "gcp", "lambda", "nebius", "oci", "runpod"}
    for line in price_lines():
        for offer in line.offers():
            assert offer.as_of and (offer.usd_per_hour is None or offer.usd_per_hour > 0)


def test_listing_is_sorted_by_the_price_of_a_gpu(data: Path) -> None:
    rows = price_listing(gpus=("H100",), spot=False)
    prices = [row["usd_per_gpu_hour"] for row in rows]
    assert prices == sorted(prices) and len(rows) > 5
    assert {row["gpu"] for row in rows} == {"h100-sxm5-80gb"}


def test_a_list_from_an_address_changes_the_price(data: Path, server: str) -> None:
    assert load_inventory("aws:p5.48xlarge*1").nodes[0].usd_per_hour == 55.04
    done = update_prices(f"{server}/new.csv")
    (change,) = done.changed
    assert change.old and (change.old.on_demand, change.new.on_demand) == (55.04, 50)
    assert change.cheaper == pytest.approx(50 / 55.04 - 1)
    node = load_inventory("aws:p5.48xlarge*1").nodes[0]
    assert node.usd_per_hour == 50 and node.offer and node.offer.as_of == "2026-11-01"


def test_a_dry_run_keeps_nothing(data: Path, server: str) -> None:
    assert update_prices(f"{server}/new.csv", keep=False).kept_at is None
    assert not (data / "data").exists()


@pytest.mark.parametrize("path", ["/missing", "/page"])
def test_a_page_that_is_no_list_is_refused_and_not_kept(data: Path, server: str, path: str) -> None:
    with pytest.raises(BadInput):
        update_prices(server + path)
    assert not (data / "data").exists()


def test_unreachable_and_foreign_addresses_are_one_line(data: Path) -> None:
    with pytest.raises(BadInput, match="cannot be reached"):
        update_prices("http://127.0.0.1:9/prices.csv")
    with pytest.raises(BadInput, match="http:// or https://"):
        update_prices("file:///etc/passwd")


def test_a_cloud_of_ones_own(data: Path) -> None:
    path = data / "mine.csv"
    path.write_text(f"{HEADER},limit\nmycloud,box-8,A100-80GB,8,9.5,here,2026-11-01,3\n")
    command = [sys.executable, "-m", "planner", "prices", "--prices", str(path), "--cloud", "mycloud", "--json"]
    (offer,) = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["offers"]
    assert (offer["usd_per_hour"], offer["gpu"], offer["limit"]) == (9.5, "a100-sxm4-80gb", 3)


WRONG = {
    "cloud,instance_type\naws,x\n": r"l:1: gpu_slug: is missing",
    f"{HEADER},colour\n": r"l:1: colour: is no column",
    f"{HEADER}\naws,x,H100,8,abc,r,d\n": r"l:2: on_demand_usd_per_hour: is 'abc'; expected a number",
    f"{HEADER}\naws,x,H100,8,-1,r,d\n": r"l:2: on_demand_usd_per_hour: is '-1'",
    f"{HEADER}\naws,x,H100,8,inf,r,d\n": "on_demand_usd_per_hour: is 'inf'",
    f"{HEADER}\naws,x,H1000,8,1,r,d\n": r"l:2: gpu_slug: unknown gpu 'H1000'",
    f"{HEADER}\naws,x,H100,0,1,r,d\n": "gpu_count: is '0'",
    f"{HEADER}\naws,x,H100,2.5,1,r,d\n": "gpu_count: is '2.5'",
    f"{HEADER}\naws,x y,H100,8,1,r,d\n": "instance_type: is 'x y'",
    f"{HEADER}\naws,x,H100\n": "has 3 cells; expected 7",
    f"{HEADER}\naws,x,H100,8,1,r,d\naws,x,H100,8,2,r,d\n": "stands there twice",
    f"{HEADER},gpu_memory_gib\naws,x,H100,8,1,r,d,40\n": "gpu_memory_gib: is '40'; expected about 80",
    '"': "not CSV",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_wrong_lists_name_line_and_column(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_price_list(text, "l")


@given(
    st.lists(
        st.sampled_from([*COLUMNS, ",", "\n", "aws", "H100", "8", "0.125", "-1", "nan", '"', "é", "\0", "9" * 400])
    )
)
def test_any_text_is_a_list_or_one_line(pieces: list[str]) -> None:
    try:
        parse_price_list("".join(pieces), "l")
    except GpuplanError as error:
        assert "\n" not in str(error)
