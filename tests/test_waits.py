"""No wait in the tests is without a bound, as far as their text can tell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
WAITING = TESTS / "support" / "waiting.py"

_BLOCKING = {"acquire", "exception", "join", "result", "wait"}
"""Methods that wait for ever when they are given nothing."""
_TIMED = {"as_completed": 2, "create_connection": 2, "urlopen": 3, "HTTPConnection": 3}
_TIMED |= {"HTTPSConnection": 3, "check_call": 99, "check_output": 99, "communicate": 2}
_TIMED |= {"future": 2, "with_call": 2}
"""Callables, and how many positional arguments hold their timeout when it has no name."""
_CLOCKS = {"monotonic", "perf_counter", "sleep"}
_PIPES = {"stderr", "stdin", "stdout"}


def unbounded(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Find what may wait for ever: lines, and what is wrong there."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    queues = any(
        "queue" in ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import)
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.While) and _looks_for_something(node):
            yield node.lineno, "a loop that waits: use wait_until or exhaust"
        elif isinstance(node, ast.For | ast.comprehension) and _name(node.iter) in _PIPES:
            yield node.iter.lineno, "lines of a child without a bound: use Lines"
        elif isinstance(node, ast.Call) and (fault := _fault(node, parents, queues)):
            yield node.lineno, fault


def _fault(call: ast.Call, parents: dict[ast.AST, ast.AST], queues: bool) -> str | None:
    name = _name(call.func)
    named = {keyword.arg for keyword in call.keywords}
    if "timeout" in named or None in named:
        return None
    method = isinstance(call.func, ast.Attribute)
    of = _name(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    nothing = not call.args and not call.keywords
    if name in _BLOCKING and nothing and method and not _ends(name, call, parents):
        return f".{name}() without a timeout"
    if name in _TIMED and len(call.args) < _TIMED[name]:
        return f"{name}() without a timeout"
    if name == "run" and of == "subprocess":
        return "subprocess.run() without a timeout"
    if name == "sleep" and of == "time":
        return "a sleep: use wait_until"
    if name == "Thread" and "daemon" not in named:
        return "a thread that keeps the tests from ending: give it daemon=True"
    if name.startswith("read") and of in _PIPES:
        return "output of a child without a bound: use Lines"
    if name == "get" and nothing and queues:
        return ".get() of a queue without a timeout"
    if isinstance(call.func, ast.Call) and _name(call.func.func) == "unary_unary":
        return "a gRPC call without a timeout"
    return None


def _name(node: ast.AST) -> str:
    """Give the last part of a dotted name; empty: it is something else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _ends(name: str, call: ast.Call, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether it has a bound from outside, or is no wait: asyncio's futures never block."""
    parent = parents[call]
    if isinstance(parent, ast.Call) and _name(parent.func) == "wait_for":
        return True
    while name in {"exception", "result"} and parent in parents:
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return isinstance(parent, ast.AsyncFunctionDef)
        parent = parents[parent]
    return False


def _looks_for_something(loop: ast.While) -> bool:
    """Whether it is somebody else who ends the loop, not what the loop itself does."""
    if any(isinstance(node, ast.Call) for node in ast.walk(loop.test)):
        return True
    inside = [node for line in loop.body for node in ast.walk(line)]
    calls = {_name(node.func) for node in inside if isinstance(node, ast.Call)}
    idle = all(isinstance(line, ast.Assert | ast.Continue | ast.Pass) for line in loop.body)
    return idle or bool(calls & _CLOCKS) or any(isinstance(node, ast.Await) for node in inside)


def test_every_wait_has_a_bound() -> None:
    """In all files of the tests but the one that makes the waits."""
    found = [
        f"{file.relative_to(TESTS)}:{line}: {fault}"
        for file in sorted(TESTS.rglob("*.py"))
        if file != WAITING
        for line, fault in unbounded(ast.parse(file.read_text("utf-8")))
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        "while not ready(): pass",
        "while late:\n    time.sleep(1)",
        "while not receiver.received:\n    await exporter.deliver(parcel)",
        "while time.monotonic() < end: look()",
        "while not failed: assert True",
        "future.result()",
        "thread.join()",
        "process.wait()",
        "process.communicate()",
        "process.communicate(b'in')",
        "await event.wait()",
        "lock.acquire()",
        "as_completed(futures)",
        "subprocess.run(command, check=True)",
        "subprocess.check_output(command)",
        "time.sleep(1)",
        "urllib.request.urlopen(url)",
        "socket.create_connection(address)",
        "http.client.HTTPConnection(address)",
        "channel.unary_unary(EXPORT)(body)",
        "Thread(target=work)",
        "next(line for line in child.stderr if line)",
        "for line in child.stdout: print(line)",
        "child.stderr.read()",
        "child.stdout.readline()",
        "import queue\nqueue.Queue().get()",
    ],
)
def test_a_wait_without_a_bound_is_found(code: str) -> None:
    """In each of the ways in which such a wait has been written, or would be."""
    assert list(unbounded(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "while rest: rest.pop()",
        "while True:\n    if done: break",
        "future.result(60)",
        "process.wait(timeout=60)",
        "', '.join(names)",
        "await asyncio.wait_for(event.wait(), 60)",
        "subprocess.run(command, timeout=60)",
        "subprocess.run(command, **options)",
        "settings.get()",
        "wait()",
        "async def main():\n    assert task.exception() is None",
        "channel.unary_unary(EXPORT)(body, timeout=60)",
        "Thread(target=work, daemon=True)",
        "done.stdout.splitlines()",
    ],
)
def test_what_is_bounded_is_left_alone(code: str) -> None:
    """So that nobody has to write round the check."""
    assert not list(unbounded(ast.parse(code)))
