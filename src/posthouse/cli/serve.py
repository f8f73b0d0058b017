"""posthouse serve: the mail server in the foreground."""

from __future__ import annotations

import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import click

from ..config import Config
from ..config.listen import services
from ..config.loading import Wrong, find, load
from ..main import run_worker
from ..mua.cli.house import Refused, data_option, house
from ..routing import check
from ..runtime import endpoints, tls
from ..runtime.listeners import CannotListen, Listeners, listen
from ..runtime.lock import AlreadyServed, DataLock
from ..runtime.log import Gathered, Log, open_log
from ..runtime.supervisor import Supervision, Supervisor
from ..runtime.worker import Job, run_in_child
from ..store.directory import make_directory
from .config import config_options, load_settings
from .first import prepare

#: Settings of the parent, which SIGHUP leaves as they are.
AT_START = ("listen", "workers", "tls.client_authorities", "timeouts.shutdown")


@click.command()
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that serve connections.")
@config_options
@data_option
def serve(file: Path | None, overrides: tuple[str, ...], workers: int | None) -> None:
    """Run the mail server until SIGTERM or Ctrl-C; SIGHUP reads the settings again.

    Without a settings file it listens on the loopback alone. At the first start it makes the data
    directory, a certificate, the domain localhost and the account demo@localhost.

    \b
    posthouse serve --data /var/lib/posthouse --workers 4
    posthouse serve --set listen.smtp=0.0.0.0:25 --set hostname=mx.example.org
    """
    if workers is not None:
        overrides = (*overrides, f"workers={workers}")
    data = house().data
    try:
        make_directory(data)
        config = load_settings(file, overrides)
        with _sole(data) as lock:
            server = _Server(data.absolute(), file, overrides, config, lock)
            sys.exit(server.run())
    except OSError as error:
        raise Refused(f"{error.filename or data}: {error.strerror}") from None
    except (AlreadyServed, CannotListen, Wrong, tls.NoCertificate) as error:
        raise Refused(str(error)) from None


@contextmanager
def _sole(data: Path) -> Iterator[DataLock]:
    lock = DataLock(data)
    try:
        yield lock
    finally:
        lock.close()


@dataclass(slots=True)
class _Server:
    """What the parent of the workers has; they inherit it by the fork."""

    data: Path
    file: Path | None
    overrides: tuple[str, ...]
    config: Config
    lock: DataLock

    def run(self) -> int:
        config = self.config
        check(config, self.data)
        log = open_log(config.log.format, config.log.level)
        _raise_file_limit(log)
        files = self._certificate_files(config)
        authorities = config.tls.client_authorities
        context = tls.server_context(files, self.data / authorities if authorities else None)
        listeners = listen(services(config.listen), config.workers)
        try:
            places = list(listeners.sockets)
            status = run_in_child(lambda: prepare(self.data, config, places))
            if status:
                return status
            for place in places:
                click.echo(f"listening {place.service} {place}")
            endpoints.write(self.data, places, files.certificate)
            supervisor = Supervisor(
                Supervision(config.workers, config.timeouts.shutdown),
                self._job(config, listeners, context),
                log,
                reload=lambda: self._reload(listeners, context, log),
                served=lambda: click.echo("ready"),
                in_child=[self.lock.close],
            )
            return supervisor.run()
        finally:
            endpoints.remove(self.data)
            listeners.close()

    def _job(self, config: Config, listeners: Listeners, context: tls.ServerContext) -> Job:
        def job(index: int, ready: Callable[[], None]) -> None:
            lines = Gathered()
            log = open_log(config.log.format, config.log.level, lines.write)
            try:
                run_worker(
                    config,
                    listeners.of_worker(index),
                    context,
                    index,
                    directory=self.data,
                    log=log.bind(worker=index),
                    ready=ready,
                )
            finally:
                lines.flush()

        return job

    def _reload(self, listeners: Listeners, context: tls.ServerContext, log: Log) -> Job:
        """The job with the settings and the certificate of now; the old ones if they are wrong."""
        try:
            new = load(find(self.data, self.file), self.overrides)
            check(new, self.data)
            tls.load(context, self._certificate_files(new))
        except (Wrong, tls.NoCertificate, OSError) as error:
            log.error("settings not changed", error=str(error))
            return self._job(self.config, listeners, context)
        if waiting := [key for key in AT_START if _of(key, new) != _of(key, self.config)]:
            log.warning("some settings change with the next start only", keys=" ".join(waiting))
        self.config = new
        log.info("settings read again")
        return self._job(new, listeners, context)

    def _certificate_files(self, config: Config) -> tls.CertificateFiles:
        names = [config.hostname or socket.gethostname(), "localhost", "127.0.0.1", "::1"]
        return tls.certificate_files(self.data, config.tls.certificate, config.tls.key, names)


def _of(key: str, config: Config) -> object:
    return attrgetter(key)(config)


def _raise_file_limit(log: Log) -> None:
    """As many open files as the system lets this process have: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 1_048_576)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError) as error:
        log.warning("open files stay limited", limit=soft, error=str(error))
