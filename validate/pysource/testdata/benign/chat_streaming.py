from queue import Queue
from threading import Event, Thread

import torch
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, TextIteratorStreamer
from transformers.generation.streamers import BaseStreamer


class ChatStreamer(BaseStreamer):
    def __init__(self, tokenizer):
        self.queue, self.received = Queue(), []
        self.tokenizer = tokenizer

    def put(self, value):
        self.received.extend(value.tolist())
        self.queue.put(self.tokenizer.decode(self.received))

    def end(self):
        self.queue.put(None)


def stream(model, tokenizer, prompt):
    streamer = ChatStreamer(tokenizer)
    thread = Thread(target=model.generate, kwargs=dict(inputs=prompt, streamer=streamer, max_new_tokens=16))
    thread.start()
    while (text := streamer.queue.get()) is not None:
        yield text
    thread.join()


class InvalidScoreLogitsProcessor(LogitsProcessor):
    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        if torch.isnan(scores).any() or torch.isinf(scores).any():
            scores.zero_()
            scores[..., 5] = 5e4
        return scores
