"""A crowd: many clients, each with a keep-alive connection of its own that waits for each answer, in one process.

One process that sleeps until an answer is there takes less of the cores than a process for each client, and leaves them
to what is measured. How much it could send if nothing else took time is told beside the figures (`ceiling`).
"""

from __future__ import annotations

import gc
import json
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Request = tuple[str, bytes]
"""Path and body of a POST."""
Pair = tuple[Request, Request]
"""What a client does without a pause: one request, and when it's answered the other."""

_REFUSED = b"HTTP/1.1 402"
_PATIENCE_SECONDS = 30
_PAUSE_SECONDS = 0.01


@dataclass(slots=True)
class Seen:
    """What a crowd has come to. Latencies in seconds, of the first requests and of the second ones."""

    seconds: float = 0
    cpu_seconds: float = 0
    """The clients' own."""
    refused: int = 0
    """How many of the answers were 402."""
    latencies: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    @property
    def requests(self) -> int:
        """How many were answered."""
        return len(self.latencies[0]) + len(self.latencies[1])

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def ceiling(self) -> float:
        """Requests per second that the clients could send and read, were everything else free."""
        return self.requests / self.cpu_seconds

    def add(self, other: Seen) -> None:
        """Count another slice in."""
        self.seconds += other.seconds
        self.cpu_seconds += other.cpu_seconds
        self.refused += other.refused
        for mine, others in zip(self.latencies, other.latencies, strict=True):
            mine += others


class _Client:
    """One connection, and the request on its way."""

    __slots__ = ("answer", "began", "pair", "socket", "turn")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.answer = b""
        self.began = 0.0
        self.pair: Pair = (("", b""), ("", b""))
        self.turn = 0


class Crowd:
    """`clients` connections, spread evenly over the server's processes."""

    def __init__(self, port: int, secret: str, clients: int, *, workers: int, whoami: str) -> None:
        self._port = port
        self._headers = f" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n".encode()
        self._headers += b"Content-Type: application/json\r\nContent-Length: "
        self._clients = self._spread(clients, workers, whoami)

    def _spread(self, clients: int, workers: int, whoami: str) -> list[_Client]:
        """Whichever process is awake first takes a connection: one too many for it is closed again."""
        found: dict[int, list[_Client]] = {}
        until = time.monotonic() + _PATIENCE_SECONDS
        while sum(map(len, found.values())) < clients:
            if time.monotonic() > until:
                raise RuntimeError(f"the connections don't spread over {workers} processes, only over {len(found)}")
            client = _Client(socket.create_connection(("127.0.0.1", self._port)))
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            mine = found.setdefault(json.loads(self._ask(client, whoami))["pid"], [])
            if len(mine) < clients // workers:
                mine.append(client)
            else:
                client.socket.close()
                time.sleep(_PAUSE_SECONDS)
        return [client for mine in found.values() for client in mine]

    def _ask(self, client: _Client, path: str) -> bytes:
        client.socket.sendall(self._encoded((path, b"{}")))
        while not _complete(client):
            pass
        return client.answer.split(b"\r\n\r\n", 1)[1]

    def _encoded(self, request: Request) -> bytes:
        path, body = request
        return b"POST %b%b%d\r\n\r\n%b" % (path.encode(), self._headers, len(body), body)

    def drive(self, seconds: float, pairs: Callable[[], Pair]) -> Seen:
        """Have each client do one pair after the other for so long. Answers but 2xx and 402 raise RuntimeError."""
        clients = {client.socket.fileno(): client for client in self._clients}
        seen, waiting = Seen(), len(clients)
        gc.collect()
        gc.disable()
        with select.epoll() as poll:
            for number in clients:
                poll.register(number, select.EPOLLIN)
            cpu, began = time.process_time(), time.perf_counter()
            until = began + seconds
            for client in clients.values():
                self._begin(client, pairs())
            while waiting:
                for number, _ in poll.poll():
                    client = clients[number]
                    if not _complete(client):
                        continue
                    now = time.perf_counter()
                    seen.latencies[client.turn].append(now - client.began)
                    seen.refused += client.answer.startswith(_REFUSED)
                    if client.turn == 0:
                        client.turn = 1
                        self._send(client)
                    elif now < until:
                        self._begin(client, pairs())
                    else:
                        waiting -= 1
            seen.seconds = time.perf_counter() - began
            seen.cpu_seconds = time.process_time() - cpu
        gc.enable()
        return seen

    def _begin(self, client: _Client, pair: Pair) -> None:
        client.pair, client.turn = pair, 0
        self._send(client)

    def _send(self, client: _Client) -> None:
        client.answer = b""
        client.began = time.perf_counter()
        client.socket.sendall(self._encoded(client.pair[client.turn]))

    def close(self) -> None:
        """Hang up."""
        for client in self._clients:
            client.socket.close()


def _complete(client: _Client) -> bool:
    """Read what is there; whether that's the whole answer."""
    data = client.socket.recv(1 << 16)
    if not data:
        raise ConnectionError("the server closed the connection")
    client.answer += data
    head = client.answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    at = client.answer.find(b"content-length: ", 0, head) + 16
    if len(client.answer) < head + 4 + int(client.answer[at : client.answer.find(b"\r\n", at)]):
        return False
    if not client.answer.startswith((b"HTTP/1.1 20", _REFUSED)):
        raise RuntimeError(f"{client.pair[client.turn]}: {client.answer[:600]!r}")
    return True
