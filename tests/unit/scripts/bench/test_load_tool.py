"""What the output of the load tool says."""

import numpy as np
import pytest

from kg.errors import DataError, UsageError
from scripts.bench.load_tool import LoadRequest, drive, find_tool, parse, write_requests

PRINTED = """Running 2s test @ http://127.0.0.1:1
  4 requests in 2.00s, 1.00KB read
seconds 2.0
finished 6
begun 12
failed 1
failure /recommend answered 422: {"type": "invalid"}
microseconds 1000 2000 3000 5000
"""


def test_rates_and_percentiles() -> None:
    """Four measured answers in 2 s; the median lies between 2 and 3 ms, p75 a quarter from 3 to 5."""
    found = parse(PRINTED)
    assert found.rate == 4 / 2
    assert found.group_rate == 6 / 2
    assert found.begun == 12
    assert found.percentile(50) == 2.5
    assert found.percentile(75) == 3 + 0.25 * 2
    assert (found.failed, found.failure) == (1, '/recommend answered 422: {"type": "invalid"}')


def test_no_answer_has_no_percentile() -> None:
    found = parse("seconds 1\nfinished 0\nbegun 4\nfailed 4\nfailure \nmicroseconds \n")
    assert found.rate == 0
    assert np.isnan(found.percentile(99))


def test_a_missing_tool_is_named_with_how_to_install_it() -> None:
    with pytest.raises(UsageError, match=r"no-such-tool is not on the PATH.*apt install wrk.*--wrk"):
        find_tool("no-such-tool")


def test_requests_are_lines_of_their_group(tmp_path) -> None:
    event = LoadRequest("/events", {"user_id": "ü\t1"}, measured=False)
    asked = LoadRequest("/recommend", {"k": 2})
    write_requests([[event, asked], [asked]], tmp_path / "requests")
    assert (tmp_path / "requests").read_text() == (
        '0\t0\t/events\t{"user_id":"\\u00fc\\t1"}\n0\t1\t/recommend\t{"k":2}\n1\t1\t/recommend\t{"k":2}\n'
    )


def program(folder, text: str) -> str:
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def run(tool: str, folder):
    return drive(tool, "http://x", folder / "r", run="a", connections=2, seconds=1, first=3, rate=12.5)


def test_the_tool_gets_what_wrk_lua_reads(tmp_path) -> None:
    found = run(program(tmp_path, f'echo "$@" > {tmp_path}/said; cat <<END\n{PRINTED}END'), tmp_path)
    assert found.finished == 6
    said = (tmp_path / "said").read_text().split()
    assert said[:4] == ["-t", "2", "-c", "2"]
    assert said[-6:] == ["--", str(tmp_path / "r"), "3", "12.5", "a", "2"]


@pytest.mark.parametrize(
    ("text", "message"), [("echo no >&2; exit 1", "failed: no"), ("echo other", "'seconds'")]
)
def test_a_tool_that_fails_is_an_error(text, message, tmp_path) -> None:
    with pytest.raises(DataError, match=message):
        run(program(tmp_path, text), tmp_path)
