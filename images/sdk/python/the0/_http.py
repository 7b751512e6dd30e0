"""HTTP/1.x as far as a query needs it: bytes in, a request out; an answer in, bytes out (private). No I/O happens here.

The standard library's `http.server` is not used: it answers one client at a time, closes after each answer, and costs a
query server twice the memory (it brings `email`, `html`, `urllib` and more).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Optional

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 1024 * 1024

_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    408: "Request Timeout",
    411: "Length Required",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
}


class Refused(Exception):
    """The bytes are no request that can be answered. The connection is closed after saying so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Request:
    """One whole request, taken off the front of what a client sent."""

    __slots__ = ("method", "path", "query_string", "body", "keep_alive", "size")

    def __init__(self, method: str, path: str, query_string: bytes, body: bytes, keep_alive: bool, size: int) -> None:
        self.method = method
        self.path = path
        self.query_string = query_string
        self.body = body
        self.keep_alive = keep_alive
        self.size = size
        """Bytes that the request took in the inbox."""


def take_request(inbox: bytearray) -> Optional[Request]:
    """The first request in `inbox`, or None when it is not there as a whole yet.

    Raises Refused when it will never be one.
    """
    start = 0
    while inbox.startswith(b"\r\n", start):  # blank lines before a request are to be ignored (RFC 9112, 2.2)
        start += 2
    end = inbox.find(b"\r\n\r\n", start, start + MAX_HEAD_BYTES)
    if end < 0:
        if len(inbox) >= MAX_HEAD_BYTES:
            raise Refused(431, f"The request head is longer than {MAX_HEAD_BYTES} bytes")
        return None
    request_line, *header_lines = bytes(inbox[start:end]).split(b"\r\n")
    parts = request_line.split(b" ")
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
        raise Refused(400, "The request line is not HTTP/1.x")
    method, target, version = parts
    headers = _headers(header_lines)

    if b"transfer-encoding" in headers:
        raise Refused(411, "The request body must have a Content-Length")
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        raise Refused(400, "The request has a Content-Length that is no number")
    if int(length) > MAX_BODY_BYTES:
        raise Refused(413, f"The request body is longer than {MAX_BODY_BYTES} bytes")
    body_start = end + 4
    size = body_start + int(length)
    if len(inbox) < size:
        return None
    body = bytes(inbox[body_start:size])

    if target.startswith(b"http://"):  # the absolute form that proxies use
        target = b"/" + target[7:].partition(b"/")[2]
    path, _, query_string = target.partition(b"#")[0].partition(b"?")
    keep_alive = version != b"HTTP/1.0" and headers.get(b"connection", b"").lower() != b"close"
    return Request(method.decode("latin-1"), path.decode("utf-8", "replace"), query_string, body, keep_alive, size)


def answer_bytes(status: int, body: str, keep_alive: bool, with_body: bool = True) -> bytes:
    payload = body.encode("utf-8")
    connection = "" if keep_alive else "Connection: close\r\n"
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(payload)}\r\n{connection}\r\n"
    )
    return head.encode("ascii") + (payload if with_body else b"")


def parse_query_string(query_string: bytes) -> Dict[str, str]:
    """Decoded parameters. Of a repeated key the first value counts, and blank values are dropped."""
    params: Dict[str, str] = {}
    for pair in query_string.split(b"&"):
        key, _, value = pair.partition(b"=")
        if value:
            params.setdefault(_percent_decode(key), _percent_decode(value))
    return params


def _headers(lines: list[bytes]) -> Dict[bytes, bytes]:
    headers: Dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise Refused(400, "The request has a header without a colon")
        headers[name.lower()] = value.strip()
    return headers


def _percent_decode(text: bytes) -> str:
    first, *rest = text.replace(b"+", b" ").split(b"%")
    decoded = bytearray(first)
    for part in rest:
        try:
            decoded += bytes.fromhex(part[:2].decode("ascii")) if part[:2].isalnum() else b"%" + part[:2]
        except ValueError:
            decoded += b"%" + part[:2]  # not an escape: taken as it stands
        decoded += part[2:]
    return decoded.decode("utf-8", "replace")
