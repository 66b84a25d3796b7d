"""Clients: processes that send prepared requests over keep-alive connections, with little work of their own."""

from __future__ import annotations

import multiprocessing as mp
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.stream import Bodies

_CONTEXT = mp.get_context("fork")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a load came to. `seconds` from the first request to the last answer; latencies in seconds."""

    events: int
    seconds: float
    latencies: list[float]

    @property
    def per_second(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    def percentile(self, percent: float) -> float:
        """A latency in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


class Connection:
    """One keep-alive connection."""

    def __init__(self, port: int, secret: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = f"Host: localhost\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\n"

    def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer."""
        head = f"{method} {path} HTTP/1.1\r\n{self._headers}Content-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        answer = bytearray()
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._receive()
        headers = bytes(answer[:end]).lower()
        length = int(headers.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(answer) < end + 4 + length:
            answer += self._receive()
        return int(headers.split(b" ", 2)[1]), bytes(answer[end + 4 :])

    def _receive(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


def send(
    port: int, secret: str, stream: Bodies, first: int, count: int, batch: int, *, writers: int, path: str
) -> Sent:
    """Send `count` events from `writers` processes, which prepare their requests before the clock starts."""
    share = count // writers
    shares = [(first + i * share, share) for i in range(writers)]
    barrier, results = _CONTEXT.Barrier(writers + 1), _CONTEXT.Queue()
    processes = [
        _CONTEXT.Process(target=_write, args=(port, secret, stream, *part, batch, path, barrier, results))
        for part in shares
    ]
    for process in processes:
        process.start()
    barrier.wait()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    if problems := [problem for *_, problem in found if problem]:
        raise RuntimeError(problems[0])
    began, ended = min(start for start, *_ in found), max(end for _, end, *_ in found)
    return Sent(share * writers, ended - began, [one for _, _, latencies, _ in found for one in latencies])


def _write(
    port: int, secret: str, stream: Bodies, first: int, count: int, batch: int, path: str, barrier, results
) -> None:
    bodies = list(stream.bodies(first, count, batch))
    connection = Connection(port, secret)
    barrier.wait()
    began, latencies, problem = time.perf_counter(), [], ""
    for body in bodies:
        start = time.perf_counter()
        status, answer = connection.request("POST", path, body)
        latencies.append(time.perf_counter() - start)
        if status != 200:
            problem = f"{status}: {answer[:500]!r}"
            break
    results.put((began, time.perf_counter(), latencies, problem))


def ask(port: int, secret: str, paths: Sequence[str]) -> list[float]:
    """The latencies, in milliseconds, of one GET after the other."""
    connection = Connection(port, secret)
    found = []
    for path in paths:
        start = time.perf_counter()
        status, answer = connection.request("GET", path)
        found.append((time.perf_counter() - start) * 1000)
        if status != 200:
            raise RuntimeError(f"{status}: {answer[:500]!r}")
    return found
