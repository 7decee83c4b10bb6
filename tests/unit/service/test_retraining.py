"""Training beside the service: one at a time, at low priority, and a failure disturbs nothing."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from kg.errors import GraphServerError
from kg.settings import Settings
from service.retraining import Retraining, training_lock


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
        end = time.monotonic() + 60  # at low priority on a busy machine
        try:
            while len(mark.read_text()) < 3:
                assert time.monotonic() < end
                time.sleep(0.01)
        finally:
            first.stop()
        ended = False
        while not ended:
            assert time.monotonic() < end
            with training_lock(Settings(home=tmp_path)) as lock:
                ended = lock is not None
    runs = mark.read_text()
    time.sleep(0.3)
    assert mark.read_text() == runs


def test_services_take_turns(tmp_path: Path) -> None:
    """Two services that began half an interval apart train once an interval, not twice."""
    with structlog.testing.capture_logs():
        assert retraining(tmp_path, "").train() == 0
        assert retraining(tmp_path, "").train() is None
        assert retraining(tmp_path, "", interval=0.001).train() == 0
        assert retraining(tmp_path, "").train() is None
    (tmp_path / "retraining.lock").write_text("9e12\n")  # a clock that was put back
    assert retraining(tmp_path, "").train() == 0


def test_a_training_holds_its_lock_though_the_service_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, structlog; from pathlib import Path; from kg.settings import Settings;"
        "from service.retraining import Retraining;"
        "child = 'print(1); import time; time.sleep(60)';"
        f"Retraining(Settings(home=Path({str(tmp_path)!r})), 1, [sys.executable, '-c', child]).train()"
    )
    service = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        end = time.monotonic() + 20
        while not (children := Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()):
            assert time.monotonic() < end
            time.sleep(0.01)
        service.kill()
        service.wait()
        with training_lock(Settings(home=tmp_path)) as lock:
            assert lock is None
        os.kill(int(children[0]), signal.SIGKILL)
        while True:
            with training_lock(Settings(home=tmp_path)) as lock:
                if lock is not None:
                    break
            assert time.monotonic() < end
    finally:
        with suppress(ProcessLookupError):
            os.killpg(service.pid, signal.SIGKILL)


def test_what_a_training_notes_is_in_the_log(tmp_path: Path) -> None:
    """Such as that the new model is worse, and not in use."""
    code = (
        "import sys; print('model: not in use: worse', file=sys.stderr, flush=True);"
        "print('table'); print('model x in y')"
    )
    with structlog.testing.capture_logs() as logs:
        retraining(tmp_path, code).train()
    assert (logs[1]["result"], logs[1]["notes"]) == ("model x in y", ["model: not in use: worse"])


def test_the_graph_server_is_started_first_and_a_failure_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the service, at its own priority."""

    def fail(settings: Settings) -> None:
        raise GraphServerError("no server")

    monkeypatch.setattr("kg.store.connect.open_store", fail)
    monkeypatch.setattr("subprocess.Popen", None)
    found = Retraining(Settings(home=tmp_path), 0.01)
    with structlog.testing.capture_logs() as logs:
        found.start()
        end = time.monotonic() + 10
        while len(logs) < 4:
            assert time.monotonic() < end
            time.sleep(0.01)
        found.stop()
        time.sleep(0.1)
    assert logs[:2] == [
        {"event": "retraining_begins", "log_level": "info"},
        {"event": "retraining_failed", "log_level": "error", "reason": "no server"},
    ]


def test_a_training_ends_with_the_service(tmp_path: Path) -> None:
    mark = tmp_path / "runs"
    found = retraining(tmp_path, f"open({str(mark)!r}, 'w'); import time; time.sleep(60)", interval=0.01)
    with structlog.testing.capture_logs():
        found.start()
        end = time.monotonic() + 20
        while not mark.exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        found.stop()
        while True:
            with training_lock(Settings(home=tmp_path)) as lock:
                if lock is not None:
                    break
            assert time.monotonic() < end
            time.sleep(0.01)
