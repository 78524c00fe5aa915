"""Coroutines in tests: each gets a thread of its own, since the browser's driver leaves its event loop in the main one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor


def run(coroutine):
    """What ``asyncio.run`` gives, wherever a test is called from."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
