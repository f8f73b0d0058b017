"""Sockets to listen on: one of each worker on each address."""

from __future__ import annotations

import contextlib
import socket
import threading
from contextlib import closing

import pytest

from posthouse.runtime.listeners import CannotListen, listen


def test_each_worker_has_a_socket_on_each_address() -> None:
    with closing(listen({"smtp": ["127.0.0.1:0", "127.0.0.1:0"], "pop3": []}, 3)) as listeners:
        ports = {endpoint.port for endpoint in listeners.sockets}
        assert len(ports) == 2
        assert 0 not in ports
        for index in range(3):
            mine = listeners.of_worker(index)
            assert {s.getsockname()[1] for s in mine["smtp"]} == ports
            assert "pop3" not in mine


def test_a_connection_waits_for_a_worker() -> None:
    with closing(listen({"smtp": ["127.0.0.1:0"]}, 1)) as listeners:
        ((endpoint, (mine,)),) = listeners.sockets.items()
        with socket.create_connection((endpoint.host, endpoint.port)):
            mine.setblocking(True)
            mine.accept()[0].close()


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="not on this system")
def test_the_system_takes_little_for_a_peer_that_does_not_read() -> None:
    with closing(listen({"smtp": ["127.0.0.1:0"]}, 1)) as listeners:
        ((endpoint, (mine,)),) = listeners.sockets.items()
        wire = socket.socket()
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.connect((endpoint.host, endpoint.port))
        mine.setblocking(True)
        with wire, mine.accept()[0] as accepted:
            accepted.setblocking(False)
            sent = 0
            with contextlib.suppress(BlockingIOError):
                while sent < 8 * 1024 * 1024:
                    sent += accepted.send(b"x" * 16384)
            assert sent < 1024 * 1024


def test_ipv6() -> None:
    try:
        listeners = listen({"imap": ["[::1]:0"]}, 1)
    except CannotListen:
        pytest.skip("this machine has no IPv6 loopback")
    with closing(listeners):
        (endpoint,) = listeners.sockets
        assert str(endpoint) == f"[::1]:{endpoint.port}"


def test_a_port_that_is_taken_is_refused_also_when_it_could_be_shared() -> None:
    with closing(listen({"smtp": ["127.0.0.1:0"]}, 2)) as listeners:
        (endpoint,) = listeners.sockets
        with pytest.raises(CannotListen, match=r"listen\.pop3 127\.0\.0\.1:\d+: Address already"):
            listen({"smtp": ["127.0.0.1:0"], "pop3": [str(endpoint)]}, 2)


def test_a_name_that_is_none() -> None:
    with pytest.raises(CannotListen, match=r"listen\.smtp no\.such\.host\.invalid:25"):
        listen({"smtp": ["no.such.host.invalid:25"]}, 1)
    with pytest.raises(CannotListen, match=r"listen\.smtp a\.\.b:25: .*label empty"):
        listen({"smtp": ["a..b:25"]}, 1)


def test_a_port_is_waited_for_a_little() -> None:
    listeners = listen({"smtp": ["127.0.0.1:0"]}, 1)
    (endpoint,) = listeners.sockets
    timer = threading.Timer(0.2, listeners.close)
    timer.start()
    with closing(listen({"smtp": [str(endpoint)]}, 1)) as again:
        assert list(again.sockets) == [endpoint]
    timer.join()
