"""`trailmix serve`: the HTTP service under gunicorn, processes with threads that share one model."""

import atexit
import socket
from typing import Annotated, Any

import typer
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from embeddings.model.artifact import latest_model
from kg.errors import UsageError
from kg.settings import Settings, load_settings
from scripts.durations import parse_duration
from scripts.logs import configure_logs
from service.app import create_app
from service.http import SERVED
from service.retraining import Retraining
from service.serving import Serving

BACKLOG = 512
LOAD_TIMEOUT = 300
"""Seconds after which a silent worker is replaced; a worker is silent while it loads the model."""


def command(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    threads: Annotated[
        int, typer.Option(min=1, max=256, help="The number of requests answered at the same time.")
    ] = 4,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="The number of processes; each has the model in memory.")
    ] = 1,
    retrain_every: Annotated[
        str | None,
        typer.Option(help="Train at this interval beside the service, at low priority: 30m, 6h."),
    ] = None,
) -> None:
    """Serve recommendations over HTTP until SIGTERM or Ctrl-C.

    Example: trailmix serve --host 0.0.0.0 --port 8000
    """
    interval = None if retrain_every is None else parse_duration(retrain_every, "--retrain-every")
    settings = load_settings()
    configure_logs(settings.log_level or "INFO")
    latest_model(
        settings.models_folder
    )  # a missing model is an error here, not in a worker that fails to start
    listener = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    print(f"Trailmix listens on http://{shown}:{listener.getsockname()[1]} (Ctrl-C stops it)", flush=True)
    Service(settings, listener.detach(), threads, workers, interval).run()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        UsageError: the port is taken, or the address is not one of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from None
    return listener


class Service(BaseApplication):  # type: ignore[misc]
    """Workers that load the model after the fork: torch's threads do not survive a fork."""

    def __init__(
        self,
        settings: Settings,
        descriptor: int,
        threads: int,
        workers: int = 1,
        retrain_every: float | None = None,
    ) -> None:
        self._settings, self._descriptor = settings, descriptor
        self._threads, self._workers, self._retrain_every = threads, workers, retrain_every
        super().__init__()

    def load_config(self) -> None:
        """Gunicorn's settings."""
        options: dict[str, Any] = {
            "bind": f"fd://{self._descriptor}",
            "worker_class": "gthread",
            "workers": self._workers,
            "threads": self._threads,
            "timeout": LOAD_TIMEOUT,
            "loglevel": "warning",
            "proc_name": "trailmix",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The WSGI app."""
        app = create_app(self._settings)
        serving: Serving = app.extensions[SERVED]
        serving.start()
        atexit.register(serving.stop)
        if self._retrain_every is not None:
            retraining = Retraining(self._settings, self._retrain_every)
            retraining.start()
            atexit.register(retraining.stop)
        return app
