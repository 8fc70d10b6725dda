import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import torch


class Batcher:
    def __init__(self, model):
        self.model, self.queue = model, asyncio.Queue()
        self.pool = ThreadPoolExecutor(max_workers=1)

    async def run(self):
        loop = asyncio.get_running_loop()
        async for item in self.items():
            await loop.run_in_executor(self.pool, self.model, item)

    async def items(self):
        while not self.queue.empty():
            yield await self.queue.get()

    @contextlib.contextmanager
    def session(self):
        with torch.inference_mode(), torch.autocast("cuda", dtype=torch.bfloat16):
            yield self
