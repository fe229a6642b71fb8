"""A watcher counts every event, wherever the network cuts what the server sends."""

import asyncio
from itertools import pairwise
from typing import cast
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.watchers import Audience, Manner, Watcher

pytestmark = pytest.mark.anyio

MANNER = Manner("/graphql", "graphql-transport-ws", '"connection_ack"', '"next"')
CONSENT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def frame(payload: bytes, kind: int = 1) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes([0x80 | kind, length]) + payload
    if length < 1 << 16:
        return bytes([0x80 | kind, 126]) + length.to_bytes(2, "big") + payload
    return bytes([0x80 | kind, 127]) + length.to_bytes(8, "big") + payload


def event(size: int) -> bytes:
    return b'{"type":"next","payload":"%b"}' % (b"x" * size)


async def told(pieces: list[bytes], expected: int) -> tuple[Audience, list[bytes]]:
    """What a watcher has heard, and what it has written."""
    audience, transport = Audience(), Mock(asyncio.Transport)
    audience.expect(expected)
    watcher = Watcher(MANNER, '{"type":"connection_init"}', '{"type":"subscribe"}', audience)
    watcher.connection_made(cast("asyncio.BaseTransport", transport))
    for piece in pieces:
        watcher.data_received(piece)
    assert watcher.welcome.done()
    return audience, [call.args[0] for call in transport.write.call_args_list]


@given(
    sizes=st.lists(st.integers(0, 300) | st.sampled_from([65_400, 65_600]), max_size=6),
    cuts=st.lists(st.integers(0, 200_000), max_size=8),
)
def test_every_event_counts_once_however_it_comes(sizes: list[int], cuts: list[int]) -> None:
    sent = CONSENT + frame(b'{"type":"connection_ack"}') + b"".join(frame(event(size)) for size in sizes)
    places = sorted({0, len(sent), *(cut % len(sent) for cut in cuts)})
    pieces = [sent[begin:end] for begin, end in pairwise(places)]
    audience, _ = asyncio.run(told(pieces, len(sizes)))
    assert audience.heard == len(sizes)
    assert audience.last == (event(sizes[-1]) if sizes else b"")
    assert not audience.trouble


async def test_pings_are_answered_and_the_end_is_noticed() -> None:
    sent = [CONSENT, frame(b'{"type":"connection_ack"}'), frame(b"1234", 9), frame(b'{"type":"complete","id":"1"}')]
    audience, written = await told(sent, 1)
    assert written[-1] == b"\x8a\x84" + bytes(4) + b"1234"
    assert audience.heard == 0
    assert audience.trouble == b'{"type":"complete","id":"1"}'
    assert not await audience.complete(0)
