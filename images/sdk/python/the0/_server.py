"""The query server: one thread, all clients (private).

    accept ──► reading ──whole request──► answer() ──► writing ──all sent──► reading …
                  │ malformed, too large, too slow        │ client reads nothing
                  └──► error answer, closed               └──► closed

Reading and writing never block, so a slow or silent client costs the others nothing. `answer` runs in the thread that
called `serve`, one request at a time: bots keep connections and caches that belong to the main thread and are used without locks.

On SIGTERM or SIGINT the server stops accepting, finishes what was asked, and `serve` returns.
"""

from __future__ import annotations

import select
import signal
import socket
import time

from ._http import Refused, Request, answer_bytes, take_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple

    Answer = Callable[[Request], Tuple[int, str]]

# A request that has begun must be there as a whole after this time.
REQUEST_SECONDS = 10
# An open connection without a request; longer than clients keep theirs, so that the client is the one who closes.
IDLE_SECONDS = 120
# A client that takes nothing of its answer for this time is gone.
STALL_SECONDS = 30
# What was asked before a stop signal may still be answered for this time.
STOP_SECONDS = 5
MAX_CONNECTIONS = 128
# How long no connection is accepted when there are too many, or no file descriptors left.
ACCEPT_PAUSE_SECONDS = 1
READ_BYTES = 64 * 1024
# After an error answer the rest of the request is read and thrown away for this time: closing at once would reset the
# connection before the client has read why.
DRAIN_SECONDS = 2


class _Connection:
    __slots__ = ("sock", "inbox", "outbox", "closing", "draining", "deadline")

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.sock = sock
        self.inbox = bytearray()
        self.outbox = memoryview(b"")
        self.closing = False
        """Closed as soon as the outbox is sent."""
        self.draining = False
        """Refused: what still arrives is thrown away."""
        self.deadline = deadline

    def is_idle(self) -> bool:
        return not self.inbox and not self.outbox


class QueryServer:
    """Binds in the constructor (OSError when the address is taken), answers in `serve`."""

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        self._answer = answer
        self._stopping = False
        self._connections: Dict[int, _Connection] = {}
        self._accept_again_at = 0.0
        self._poll = select.poll()
        self._listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(128)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Answers until the process is told to stop."""
        waker = self._listen_to_signals()
        self._poll.register(self._listener, select.POLLIN)
        stopping = False
        while not stopping or self._connections:
            for descriptor, event in self._poll.poll(self._wait_ms()):
                if waker and descriptor == waker.fileno():
                    waker.recv(64)
                elif descriptor == self._listener.fileno():
                    self._accept()
                elif descriptor in self._connections:
                    self._advance(self._connections[descriptor], event)
            if self._stopping and not stopping:
                stopping = True
                self._stop_accepting()
            self._close_overdue()
            self._resume_accepting()

    def _listen_to_signals(self) -> Optional[socket.socket]:
        """A socket that becomes readable on a signal. Signals that the bot handles itself are left to it."""
        try:
            # The waker first: a signal that comes right after its handler is there must not find the loop asleep.
            waker, self._waked = socket.socketpair()
            self._waked.setblocking(False)
            signal.set_wakeup_fd(self._waked.fileno(), warn_on_full_buffer=False)
            for number, default in ((signal.SIGTERM, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
                if signal.getsignal(number) is default:
                    signal.signal(number, self._on_signal)
        except ValueError:
            return None  # not the main thread: the program that runs queries in a thread of its own stops them itself
        self._poll.register(waker, select.POLLIN)
        return waker

    def _on_signal(self, _number: int, _frame: Any) -> None:
        self._stopping = True

    def _stop_accepting(self) -> None:
        self._accept()
        if not self._accept_again_at:
            self._poll.unregister(self._listener)
        self._listener.close()
        self._accept_again_at = 0.0
        deadline = time.monotonic() + STOP_SECONDS
        for connection in [*self._connections.values()]:
            self._advance(connection, select.POLLIN)  # a request that has arrived counts as asked
            connection.deadline = min(connection.deadline, deadline)
            if connection.is_idle():
                self._close(connection)

    def _wait_ms(self) -> Optional[float]:
        times = [connection.deadline for connection in self._connections.values()]
        if self._accept_again_at:
            times.append(self._accept_again_at)
        return max(0.0, min(times) - time.monotonic()) * 1000 + 1 if times else None

    def _close_overdue(self) -> None:
        now = time.monotonic()
        for connection in [*self._connections.values()]:
            if connection.deadline > now:
                continue
            if not connection.inbox or connection.outbox:
                self._close(connection)
                continue
            try:
                self._refuse(connection, Refused(408, f"The request did not arrive within {REQUEST_SECONDS} s"))
            except OSError:
                self._close(connection)  # the client went away; nobody is left to tell

    # -- accepting

    def _accept(self) -> None:
        while True:
            if len(self._connections) >= MAX_CONNECTIONS and not self._close_longest_idle():
                return self._pause_accepting()
            try:
                sock, _address = self._listener.accept()
            except BlockingIOError:
                return None
            except ConnectionError:
                continue
            except OSError:
                return self._pause_accepting()  # no file descriptors left
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[sock.fileno()] = _Connection(sock, time.monotonic() + REQUEST_SECONDS)
            self._poll.register(sock, select.POLLIN)

    def _close_longest_idle(self) -> bool:
        idle = [connection for connection in self._connections.values() if connection.is_idle()]
        if idle:
            self._close(min(idle, key=lambda connection: connection.deadline))
        return bool(idle)

    def _pause_accepting(self) -> None:
        if not self._accept_again_at:
            self._poll.unregister(self._listener)
        self._accept_again_at = time.monotonic() + ACCEPT_PAUSE_SECONDS

    def _resume_accepting(self) -> None:
        if self._accept_again_at and time.monotonic() >= self._accept_again_at:
            self._accept_again_at = 0.0
            self._poll.register(self._listener, select.POLLIN)

    # -- one connection

    def _advance(self, connection: _Connection, event: int) -> None:
        try:
            if event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                self._close(connection)
            elif connection.outbox:
                self._send(connection)
                self._answer_requests(connection)
            else:
                self._receive(connection)
        except BlockingIOError:
            pass
        except OSError:
            self._close(connection)  # the client went away; nobody is left to tell

    def _receive(self, connection: _Connection) -> None:
        data = connection.sock.recv(READ_BYTES)
        if not data:
            return self._close(connection)
        if connection.draining:
            return
        if connection.is_idle():
            connection.deadline = time.monotonic() + REQUEST_SECONDS
        connection.inbox += data
        self._answer_requests(connection)

    def _answer_requests(self, connection: _Connection) -> None:
        """Answers what has arrived as a whole, in order, one after the other."""
        while connection.inbox and not connection.outbox and not connection.closing:
            try:
                request = take_request(connection.inbox)
            except Refused as refusal:
                return self._refuse(connection, refusal)
            if request is None:
                return
            del connection.inbox[: request.size]
            status, body = self._answer(request)
            connection.closing = not request.keep_alive or self._stopping
            connection.outbox = memoryview(
                answer_bytes(status, body, not connection.closing, with_body=request.method != "HEAD")
            )
            self._send(connection)

    def _refuse(self, connection: _Connection, refusal: Refused) -> None:
        from ._output import to_json

        connection.closing = connection.draining = True
        connection.inbox.clear()
        body = to_json({"status": "error", "error": refusal.message}, "answer")
        connection.outbox = memoryview(answer_bytes(refusal.status, body, keep_alive=False))
        self._send(connection)

    def _send(self, connection: _Connection) -> None:
        while connection.outbox:
            connection.deadline = time.monotonic() + STALL_SECONDS
            try:
                sent = connection.sock.send(connection.outbox)
            except BlockingIOError:
                self._poll.modify(connection.sock, select.POLLOUT)
                return
            connection.outbox = connection.outbox[sent:]
        if connection.draining:
            connection.sock.shutdown(socket.SHUT_WR)
            connection.deadline = time.monotonic() + DRAIN_SECONDS
        elif connection.closing:
            return self._close(connection)
        else:
            connection.deadline = time.monotonic() + (REQUEST_SECONDS if connection.inbox else IDLE_SECONDS)
        self._poll.modify(connection.sock, select.POLLIN)

    def _close(self, connection: _Connection) -> None:
        connection.closing = True
        if self._connections.pop(connection.sock.fileno(), None):
            self._poll.unregister(connection.sock)
            connection.sock.close()
