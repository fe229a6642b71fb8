"""WebSockets that end when nobody reads them any more."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class KeepaliveProtocol(WebSocketsSansIOProtocol):
    """uvicorn closes a connection that answers no ping, but closing waits until all that was written has been read:
    for ever, when the other end is there and reads nothing. This one lets go; the client can resume."""

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()
