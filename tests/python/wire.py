"""The raw contract, without a provider between: stubs, contexts, and a tap that counts frames."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

import grpc
from google.protobuf.struct_pb2 import Struct
from openfeature.schemas.protobuf.flagd.evaluation.v2 import evaluation_pb2 as pb  # noqa: F401
from openfeature.schemas.protobuf.flagd.evaluation.v2 import evaluation_pb2_grpc
from sidecar import DEADLINE

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
PING, GOAWAY = 6, 7
"""Frame types, RFC 9113 section 6."""
ACK = 1


@contextmanager
def connected(port: int, options: Mapping[str, int] | None = None) -> Iterator[Any]:
    """A stub of flagd.evaluation.v2 on a channel of its own."""
    # A pool of its own, so that two channels never share a connection.
    settings = {"grpc.use_local_subchannel_pool": 1} | dict(options or {})
    with grpc.insecure_channel(f"127.0.0.1:{port}", list(settings.items())) as channel:
        yield evaluation_pb2_grpc.ServiceStub(channel)


def struct(attributes: Mapping[str, Any]) -> Struct:
    context = Struct()
    context.update(attributes)
    return context


def ask_many(
    rpc: Any, request: Callable[..., Any], flag: str, units: Iterable[str]
) -> dict[str, str]:
    """The variant of each unit, asked for with a hundred calls in flight."""
    variants: dict[str, str] = {}
    units = iter(units)
    while some := list(islice(units, 100)):
        contexts = [struct({"targetingKey": unit}) for unit in some]
        calls = [
            rpc.future(request(flag_key=flag, context=context), timeout=DEADLINE)
            for context in contexts
        ]
        variants |= {unit: call.result().variant for unit, call in zip(some, calls, strict=True)}
    return variants


class Frames:
    """Counts HTTP/2 frames by type in a stream of bytes, and the answers to pings apart."""

    def __init__(self, preface: bytes = b"") -> None:
        self.counts: Counter[int] = Counter()
        self.answers = 0
        self._pending = b""
        self._skip = len(preface)

    def feed(self, chunk: bytes) -> None:
        self._pending += chunk
        while len(self._pending) >= self._skip + 9:
            header = self._pending[self._skip : self._skip + 9]
            end = self._skip + 9 + int.from_bytes(header[:3], "big")
            if len(self._pending) < end:
                return
            kind, flags = header[3], header[4]
            if kind == PING and flags & ACK:
                self.answers += 1
            else:
                self.counts[kind] += 1
            self._pending, self._skip = self._pending[end:], 0


class Tap:
    """Forwards TCP connections to a port and counts the HTTP/2 frames that pass."""

    def __init__(self, port: int) -> None:
        self.sent: Counter[int] = Counter()
        self.received: Counter[int] = Counter()
        self.n_connections = 0
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.n_connections += 1
            server = socket.create_connection(("127.0.0.1", self._target))
            sent, received = Frames(PREFACE), Frames()
            sent.counts, received.counts = self.sent, self.received
            for way in ((client, server, sent), (server, client, received)):
                threading.Thread(target=forward, args=way, daemon=True).start()


def forward(source: socket.socket, sink: socket.socket, frames: Frames) -> None:
    try:
        while chunk := source.recv(65536):
            frames.feed(chunk)
            sink.sendall(chunk)
    except OSError:
        pass
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
