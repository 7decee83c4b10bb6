"""The write benchmark's part that starts an engine in its own process."""

import subprocess
import sys

PROGRAM = """
from scripts.bench.ceiling import bulk_loader
about = {"value": 3.0, "time": 1_600_000_000}
rows = [[{"head": f"u{u}", "tail": f"i{i}", "properties": about} for i in range(20)] for u in range(5)]
print("rate", bulk_loader(rows, users=5, items=20))
"""


def test_the_bulk_loader_takes_the_same_rows():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    told = done.stdout.rpartition("rate ")[2]
    assert float(told) > 0
