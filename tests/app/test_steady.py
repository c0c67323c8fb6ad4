"""Garbage is collected when an answer has left, and never so rarely that it piles up."""

import gc
from collections.abc import Iterator

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from app.steady import OLD, YOUNG, Tidy


@pytest.fixture
def collected() -> Iterator[list[int]]:
    """The generations that were collected, in order; none by Python itself."""
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            found.append(info["generation"])

    gc.collect()
    gc.disable()
    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)
    gc.enable()


def ask(objects: int, seen: list[int], collected: list[int]) -> None:
    """One request whose answer makes so many objects; how often was collected by its end goes into `seen`."""
    kept: list[list[int]] = []

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        kept.extend([n] for n in range(objects))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        seen.append(len(collected))

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pass

    anyio.run(Tidy(page), {"type": "http"}, receive, send)


def test_young_garbage_is_collected_after_the_answer(collected: list[int]) -> None:
    seen: list[int] = []
    ask(YOUNG * 2, seen, collected)
    assert (seen, collected) == ([0], [1])


def test_a_small_answer_is_left_alone(collected: list[int]) -> None:
    ask(10, [], collected)
    assert collected == []


def test_everything_is_walked_now_and_then(collected: list[int]) -> None:
    for _ in range(OLD + 2):
        ask(YOUNG + 100, [], collected)
    assert collected.count(2) == 1
    assert collected[-1] in {1, 2}
