"""`trailmix serve`: the HTTP service under gunicorn, one process with threads that share one model."""

import socket
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kg.settings import Settings

BACKLOG = 512
SECONDS_TO_LOAD = 300
"""A worker that is silent for longer is replaced; loading the model is silent."""


def command(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Requests answered at a time.")] = 4,
) -> None:
    """Serve recommendations over HTTP until SIGTERM or Ctrl-C.

    Example: trailmix serve --host 0.0.0.0 --port 8000
    """
    from embeddings.model.artifact import latest_model
    from kg.settings import load_settings
    from scripts.logs import configure_logs

    settings = load_settings()
    configure_logs(settings.log_level or "INFO")
    latest_model(settings.models_folder)  # said here and now rather than by a worker that fails to start
    listener = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    print(f"Trailmix listens on http://{shown}:{listener.getsockname()[1]} (Ctrl-C stops it)", flush=True)
    _run(settings, listener.detach(), threads)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        UsageError: the port is taken, or the address is not one of this machine.
    """
    from kg.errors import UsageError

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


def _run(settings: "Settings", descriptor: int, threads: int) -> None:
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

    class Service(BaseApplication):  # type: ignore[misc]
        """One worker, which loads the app after the fork: torch's threads do not survive one."""

        def load_config(self) -> None:
            options: dict[str, Any] = {
                "bind": f"fd://{descriptor}",
                "worker_class": "gthread",
                "workers": 1,
                "threads": threads,
                "timeout": SECONDS_TO_LOAD,
                "loglevel": "warning",
                "proc_name": "trailmix",
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            from service.app import create_app

            return create_app(settings)

    Service().run()
