"""What is printed of long work where there is no terminal, and when."""

import io
import threading
import time

import pytest

from scripts.progress import Lines, reporting


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream: io.StringIO, clock: Clock) -> Lines:
    return Lines(stream, 15.0, clock)


def printed(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_a_stage_is_a_line_when_it_ends(lines, stream, clock) -> None:
    lines("text vectors", 0, 64)
    clock.seconds += 2.5
    lines("text vectors", 32, 64)
    assert printed(stream) == []
    clock.seconds += 1
    lines("text vectors", 64, 64)
    assert printed(stream) == ["text vectors: 64 in 3.5 s"]


def test_a_line_says_what_is_going_on_after_15_seconds_of_silence(lines, stream, clock) -> None:
    lines("text vectors", 0, 9066)
    clock.seconds += 10
    lines("text vectors", 4096, 9066)
    clock.seconds += 4.9
    lines.beat()
    assert printed(stream) == []
    clock.seconds += 0.1
    lines.beat()
    assert printed(stream) == ["still at text vectors: 4,096 of 9,066, 15 s"]
    clock.seconds += 14.9
    lines.beat()
    assert len(printed(stream)) == 1
    clock.seconds += 0.1
    lines.beat()
    assert printed(stream)[1:] == ["still at text vectors: 4,096 of 9,066, 30 s"]


def test_any_line_puts_the_next_off(lines, stream, clock) -> None:
    clock.seconds += 14
    lines("ranker", 1, 1)
    clock.seconds += 14
    lines.beat()
    assert printed(stream) == ["ranker: 1 in 0.0 s"]


def test_of_nested_stages_the_inner_one_goes_on_and_then_the_outer(lines, stream, clock) -> None:
    lines("scorers", 3, 18)
    clock.seconds += 5
    lines("als", 1, 8)
    clock.seconds += 15
    lines.beat()
    lines("als", 8, 8)
    clock.seconds += 15
    lines.beat()
    assert printed(stream) == [
        "still at als: 1 of 8, 15 s",
        "als: 8 in 15.0 s",
        "still at scorers: 3 of 18, 35 s",
    ]


def test_a_stage_of_unknown_length_says_how_far_it_is(lines, stream, clock) -> None:
    lines("check orders", 0, None)
    clock.seconds += 15
    lines.beat()
    lines("check orders", 120_000, None)
    clock.seconds += 15
    lines.beat()
    assert printed(stream) == ["still at check orders: 15 s", "still at check orders: 120,000, 30 s"]


def test_work_that_reports_nothing_has_a_name(lines, stream, clock) -> None:
    with lines.during("graph server"):
        clock.seconds += 15
        lines.beat()
    clock.seconds += 15
    lines.beat()
    assert printed(stream) == ["still at graph server: 15 s", "still working: 30 s since the start"]


def test_a_name_is_gone_after_a_failure(lines, stream, clock) -> None:
    with pytest.raises(OSError, match="no server"), lines.during("graph server"):
        raise OSError("no server")
    clock.seconds += 15
    lines.beat()
    assert printed(stream) == ["still working: 15 s since the start"]


def test_the_thread_prints_while_work_goes_on_and_never_after_it(stream) -> None:
    lines = Lines(stream, 0.05)
    before = threading.active_count()
    with lines.beating():
        lines("holdouts", 0, 10)
        deadline = time.monotonic() + 10
        while len(printed(stream)) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert threading.active_count() == before
    after = printed(stream)
    assert len(after) >= 3
    assert all(line.startswith("still at holdouts: 0 of 10, ") for line in after)
    time.sleep(0.2)
    assert printed(stream) == after


def test_the_thread_ends_where_the_work_fails(stream) -> None:
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), Lines(stream, 0.05).beating():
        raise KeyboardInterrupt
    assert threading.active_count() == before


def test_nothing_goes_to_stdout(capsys, monkeypatch) -> None:
    monkeypatch.setattr("scripts.progress.SILENCE", 0.03)
    with reporting() as report:
        report("measure", 0, 4)
        time.sleep(0.2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "still at measure" in captured.err


def test_a_terminal_has_bars_and_no_thread(monkeypatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    names: list[str] = []
    with reporting() as report, report.during("graph server"):
        report("text vectors", 32, 64)
        names = [thread.name for thread in threading.enumerate()]
    assert "progress" not in names
    assert "text vectors" in screen.getvalue()
