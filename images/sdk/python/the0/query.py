"""Queries: questions about a bot, answered by read-only handlers over HTTP.

    from the0 import query, state

    @query.handler("/trades")
    def trades(req):
        return state.get("trades", [])[-int(req.get("limit", 20)):]

    if __name__ == "__main__":
        query.run()

How `run` works depends on how the program was started:

    QUERY_PATH is set      answers this one query into a file and returns (the bot does not run all the time)
    BOT_TYPE is realtime   serves queries over HTTP until it is told to stop
    neither                answers /info into the file

Parameters are JSON values in the first case and strings in the second, so convert: `int(req.get("limit", 20))`.
"""

from __future__ import annotations

import json
import os
import sys

from . import __version__, _output, state
from .state import ReadOnlyStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, NoReturn, Tuple, TypeVar

    from ._http import Request

    Handler = TypeVar("Handler", bound=Callable[["QueryRequest"], Any])
    Callback = TypeVar("Callback", bound=Callable[[], Any])

__all__ = [
    "QueryRequest",
    "ReadOnlyStateError",
    "get_config",
    "get_params",
    "handler",
    "is_query_mode",
    "on_stop",
    "run",
]

_DEFAULT_PORT = 9476
# Where the runtime looks for the answer of a single query. Our own variable moves it, for machines without a /query.
_DEFAULT_RESULT_FILE = "/query/result.json"

_handlers: Dict[str, Callable[[QueryRequest], Any]] = {}
_config: Dict[str, Any] = {}
_current_params: Dict[str, Any] = {}
_stop_callbacks: List[Callable[[], Any]] = []


class QueryRequest:
    """What a handler is given."""

    def __init__(self, path: str, params: Dict[str, Any]) -> None:
        self.path = path
        self.params = params

    def get(self, key: str, default: Any = None) -> Any:
        return self.params.get(key, default)

    def __repr__(self) -> str:
        return f"QueryRequest(path={self.path!r}, params={self.params!r})"


def handler(path: str) -> Callable[[Handler], Handler]:
    """Decorator: the function answers queries for exactly `path`. The last one for a path counts."""

    def register(function: Handler) -> Handler:
        _handlers[path] = function
        return function

    return register


def on_stop(callback: Callback) -> Callback:
    """Decorator: the function is called when the query server was told to stop and has sent its last answer."""
    _stop_callbacks.append(callback)
    return callback


def get_params() -> Dict[str, Any]:
    """A copy of the parameters of the query that is being answered."""
    return dict(_current_params)


def get_config() -> Dict[str, Any]:
    """A copy of the bot's config."""
    return dict(_config)


def is_query_mode() -> bool:
    """Whether the program was started to answer a single query."""
    return bool(os.environ.get("QUERY_PATH"))


def run() -> None:
    """Answers: one query and returns, or a server that runs until it is told to stop and then exits with code 0."""
    global _config
    _config = _json_object(os.environ.get("BOT_CONFIG"))
    _handlers.setdefault("/health", lambda _request: {"status": "ok"})
    _handlers.setdefault("/info", lambda _request: {"available_queries": [*_handlers]})
    query_path = os.environ.get("QUERY_PATH")
    if query_path:
        _run_ephemeral(query_path)
    elif os.environ.get("BOT_TYPE") == "realtime":
        _run_server()
    else:
        _run_ephemeral("/info")


def _run_ephemeral(path: str) -> None:
    """Writes the answer to a file. Exits with code 1 when it is an error."""
    status, body = _answer(path, _json_object(os.environ.get("QUERY_PARAMS")))
    if status == 404:
        answer = {**json.loads(body), "available": [*_handlers]}
        body = _output.to_json(answer, "answer")
    result_file = os.environ.get("THE0_QUERY_RESULT") or _DEFAULT_RESULT_FILE
    try:
        os.makedirs(os.path.dirname(result_file) or ".", exist_ok=True)
        with open(result_file, "w", encoding="utf-8") as file:
            file.write(body)
    except OSError as problem:
        print(f"RESULT_ERROR: Failed to write result file: {problem}", file=sys.stderr)
    if status != 200:
        sys.exit(1)


def _run_server() -> NoReturn:
    from . import _server

    # A single query runs on a copy of the state; a server looks at what the bot is working with, and must not touch it.
    state._serving_queries = True
    host = os.environ.get("THE0_QUERY_HOST") or "0.0.0.0"
    port_text = os.environ.get("THE0_QUERY_PORT") or str(_DEFAULT_PORT)
    try:
        port = int(port_text)
    except ValueError:
        raise ValueError(f"THE0_QUERY_PORT must be a port number, not {port_text!r}") from None
    try:
        server = _server.QueryServer(host, port, _answer_request)
    except OSError as problem:
        sys.exit(f"Query server cannot listen on {host}:{port}: {problem.strerror or problem}")
    _say("info", f"Query server started on port {server.port}")
    server.serve()
    for callback in _stop_callbacks:
        try:
            callback()
        except Exception as problem:
            _say("error", f"An on_stop callback failed: {type(problem).__name__}: {problem} ({_place(problem)})")
    _exit()


def _answer_request(request: Request) -> Tuple[int, str]:
    from ._http import parse_query_string

    return _answer(request.path, {**_body_params(request.body), **parse_query_string(request.query_string)})


def _answer(path: str, params: Dict[str, Any]) -> Tuple[int, str]:
    """HTTP status and JSON text. Whatever a handler does, there is an answer, and it is valid JSON."""
    global _current_params
    function = _handlers.get(path)
    if function is None:
        return 404, _error(f"No handler for path: {path}")
    _current_params = params
    try:
        return 200, _output.to_json({"status": "ok", "data": function(QueryRequest(path, params))}, f"answer of {path}")
    except (Exception, SystemExit) as problem:
        if state._serving_queries:
            _say("error", f"Query {path} failed: {type(problem).__name__}: {problem} ({_place(problem)})")
        if isinstance(problem, SystemExit):
            return 500, _error(f"The handler ended the program (exit code {problem.code})")
        return 500, _error(str(problem) or type(problem).__name__)


def _place(problem: BaseException) -> str:
    """File and line that raised: what a traceback ends with, without the price of the traceback module."""
    trace = problem.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "unknown place"


def _error(text: str) -> str:
    return _output.to_json({"status": "error", "error": text}, "answer")


def _body_params(body: bytes) -> Dict[str, str]:
    """Parameters of a JSON body, as the strings they would be in a URL. Anything else in a body is none of ours."""
    params = {}
    for key, value in _json_object(body).items():
        text = value if isinstance(value, str) else json.dumps(value)
        if value is not None and text != "":
            params[key] = text
    return params


def _json_object(text: Any) -> Dict[str, Any]:
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}  # as ever: bad parameters are no parameters
    return value if isinstance(value, dict) else {}


def _say(level: str, message: str) -> None:
    _output.write_line(sys.stderr, {"_log": level, "message": message, "timestamp": _output.timestamp()}, "log")


def _exit() -> NoReturn:
    threading = sys.modules.get("threading")
    others = [
        thread
        for thread in (threading.enumerate() if threading else [])
        if thread is not threading.main_thread() and not thread.daemon
    ]
    if others:  # Python would wait for them, for ever if they loop
        sys.stdout.flush()
        os._exit(0)
    sys.exit(0)
