"""Training beside the service: one at a time, at low priority, and a failure disturbs nothing."""

import sys
import time
from pathlib import Path

import structlog

from kg.settings import Settings
from service.retraining import Retraining


def retraining(home: Path, code: str, interval: float = 60.0) -> Retraining:
    return Retraining(Settings(home=home), interval, [sys.executable, "-c", code])


def test_a_training_at_low_priority(tmp_path: Path) -> None:
    code = "import os; print('many lines'); print('nice', os.nice(0))"
    with structlog.testing.capture_logs() as logs:
        assert retraining(tmp_path, code).train() == 0
    assert [x["event"] for x in logs] == ["retraining_begins", "retraining_ends"]
    assert logs[1]["result"] == "nice 19"


def test_a_failed_training_is_told(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        assert retraining(tmp_path, "import sys; sys.exit('no graph')").train() == 1
    assert logs[1] == {
        "event": "retraining_failed", "log_level": "error", "exit_code": 1, "output": ["no graph"],
    }  # fmt: skip


def test_one_at_a_time_again_and_again_until_it_is_stopped(tmp_path: Path) -> None:
    mark = tmp_path / "runs"
    code = f"open({str(mark)!r}, 'a').write('x'); import time; time.sleep(0.2)"
    first, second = (retraining(tmp_path, code, interval=0.01) for _ in range(2))
    with structlog.testing.capture_logs():
        first.start()
        while not mark.exists():
            time.sleep(0.01)
        assert second.train() is None
        end = time.monotonic() + 10
        while len(mark.read_text()) < 3:
            assert time.monotonic() < end
            time.sleep(0.01)
        first.stop()
        time.sleep(0.3)
    runs = mark.read_text()
    time.sleep(0.3)
    assert mark.read_text() == runs
