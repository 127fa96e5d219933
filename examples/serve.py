"""A classifier of texts over HTTP: FastAPI, and ONNX Runtime with the texts of all requests in batches.

charbert export runs/reviews --output exported/reviews --int8
MODEL=exported/reviews uvicorn --app-dir examples --factory serve:make_app --port 8000
curl localhost:8000/predict -H "content-type: application/json" -d '{"texts": ["Teh best shop in town"]}'
"""

import os
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Annotated

from fastapi import Body, FastAPI

from charbert import CharBertTokenizer
from charbert.export.session import ExportedModel

Texts = Annotated[list[str], Body(embed=True, min_length=1, max_length=1000)]
Probabilities = dict[str, float]


def make_app(batch_size: int = 32) -> FastAPI:
    """The application, with the exported model in the folder that the environment variable MODEL names."""
    model = ExportedModel(os.environ["MODEL"])
    tokenizer, labels = CharBertTokenizer.from_pretrained(model.name_or_path), model.config.id2label.values()
    waiting: SimpleQueue[tuple[str, Future[Probabilities]]] = SimpleQueue()

    def classify(texts: list[str]) -> list[Probabilities]:
        batch = tokenizer(texts, truncation=True, padding=True, return_tensors="pt")
        rows = model(**batch)["logits"].softmax(dim=-1).tolist()
        return [dict(zip(labels, row, strict=True)) for row in rows]

    def work() -> None:
        while True:
            batch = [waiting.get()]
            # What came in while the last batch was computed is the next one: no request waits for others.
            while len(batch) < batch_size and not waiting.empty():
                batch.append(waiting.get())
            try:
                for (_, answer), found in zip(batch, classify([text for text, _ in batch]), strict=True):
                    answer.set_result(found)
            except Exception as error:  # these requests fail, and the next batch is computed
                for _, answer in batch:
                    answer.set_exception(error)

    Thread(target=work, daemon=True).start()
    app = FastAPI()

    @app.post("/predict")
    def predict(texts: Texts) -> list[Probabilities]:
        items = [(text, Future[Probabilities]()) for text in texts]
        for item in items:
            waiting.put(item)
        return [answer.result() for _, answer in items]

    return app
