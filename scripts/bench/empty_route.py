"""An empty Flask route under the gunicorn settings of `trailmix serve`: the most a machine can answer."""

import sys
from typing import Any

from flask import Flask

from kg.settings import load_settings
from scripts.serve import Service, listen


class EmptyService(Service):
    """Answers every POST with nothing."""

    def load(self) -> Any:
        """The WSGI app."""
        app = Flask("empty", static_folder=None)

        @app.get("/readyz")
        @app.post("/<path:_>")
        def nothing(_: str = "") -> str:
            return ""

        return app


def main() -> None:
    """Serve on a free port until SIGTERM; the argument is the number of threads."""
    listener = listen("127.0.0.1", 0)
    print(f"An empty route listens on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    EmptyService(load_settings(), listener.detach(), int(sys.argv[1])).run()


if __name__ == "__main__":
    main()
