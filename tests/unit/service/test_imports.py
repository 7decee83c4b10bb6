"""What the service loads when it is imported."""

import json
import subprocess
import sys

PROGRAM = """
import json, sys
import service.recommender
recommender = sorted(sys.modules)
import service.app, service.loading, service.privacy
print(json.dumps([recommender, sorted(sys.modules)]))
"""


def test_nothing_heavy_is_imported_and_the_recommender_knows_no_flask() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    recommender, everything = map(set, json.loads(done.stdout))
    assert not {"torch", "torch_geometric", "transformers", "lightgbm"} & everything
    assert "flask" in everything
    assert "flask" not in recommender
