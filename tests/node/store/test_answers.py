# SPDX-License-Identifier: Apache-2.0
import asyncio
from threading import Thread

import pytest

from fedsafe_node.store.answers import Answers, Future

Futures = list[Future]


def futures(number: int) -> Futures:
    loop = asyncio.get_running_loop()
    return [loop.create_future() for _ in range(number)]


async def test_every_caller_is_told_however_many_there_are_at_once() -> None:
    callers = futures(70_000)  # more than a pipe has room for
    answers = Answers(asyncio.get_running_loop())

    def tell_all() -> None:
        for number, caller in enumerate(callers):
            answers.tell([(caller, number, None)])

    thread = Thread(target=tell_all)
    thread.start()
    thread.join()  # the loop hears nothing before
    async with asyncio.timeout(30):
        told = await asyncio.gather(*callers)
    answers.close()

    assert told == list(range(70_000))


async def test_what_was_told_last_reaches_its_callers_when_it_is_closed() -> None:
    kept, lost, gone = futures(3)
    gone.cancel()
    answers = Answers(asyncio.get_running_loop())
    answers.tell([(gone, 0, None), (kept, 1, None), (lost, None, ValueError("2"))])
    answers.close()
    answers.close()

    assert kept.result() == 1
    with pytest.raises(ValueError, match="2"):
        lost.result()
