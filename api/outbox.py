"""What goes out over one socket: at once while its client reads, and within bounds while it does not."""

from collections import OrderedDict
from typing import NamedTuple

from api.wire import Wire, come_back, frame_head

MAX_WAITING = 1024 * 1024  # bytes, besides what the transport keeps


def framed(head: bytes, payload: bytes) -> bytes:
    return b"%b%b%b}" % (frame_head(len(head) + len(payload) + 1), head, payload)


class Message(NamedTuple):
    """One that waits; it stands for `coalesced` earlier ones too."""

    head: bytes
    payload: bytes
    coalesced: int = 0

    @property
    def frame(self) -> bytes:
        if not self.coalesced or not self.payload:
            return framed(self.head, self.payload)
        return framed(self.head, b'%b,"extensions":{"coalesced":%d}}' % (self.payload[:-1], self.coalesced))

    @property
    def size(self) -> int:
        return len(self.head) + len(self.payload)


class Outbox:
    """The messages of one socket, in order. While its client does not read, of those with the same key the last one
    stays; a client that still falls too far behind is let go."""

    __slots__ = ("_bytes", "_waiting", "_wire", "_write")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._write = wire.transport.write
        self._waiting: OrderedDict[object, Message] | None = None
        self._bytes = 0
        wire.on_writable = self._go_on

    def send(self, head: bytes, payload: bytes, key: object = None) -> None:
        """Send the payload, a JSON object, behind the head of its operation and before a `}`."""
        if self._waiting is None and self._wire.clear:
            self._write(framed(head, payload))
        elif not self._wire.ended:
            self._keep(Message(head, payload), object() if key is None else (head, key))

    @property
    def ready(self) -> bool:
        return self._waiting is None and self._wire.clear

    async def drained(self) -> None:
        while not self._wire.clear and not self._wire.ended:
            await self._wire.writable.wait()

    def end(self, code: int, reason: str) -> None:
        self._waiting, self._bytes = None, 0
        self._wire.end(code, reason)

    def let_go(self, why: str) -> None:
        self.end(1013, come_back(why))

    def _keep(self, message: Message, key: object) -> None:
        if self._waiting is None:
            self._waiting = OrderedDict()
        if former := self._waiting.pop(key, None):
            self._bytes -= former.size
            message = message._replace(coalesced=former.coalesced + 1)
        self._waiting[key] = message
        self._bytes += message.size
        if self._bytes > MAX_WAITING:
            self.let_go("You read too slowly.")

    def _go_on(self) -> None:
        while self._waiting and self._wire.clear:
            _, message = self._waiting.popitem(last=False)
            self._bytes -= message.size
            self._write(message.frame)
        if not self._waiting:
            self._waiting = None
