"""A Celery application: receipts that are sent again when the printer fails."""

import os
import random

from celery import Celery

app = Celery("receipts", broker=os.environ["BROKER"])
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_hijack_root_logger = True


@app.task(bind=True, max_retries=3)
def print_receipt(self, number: int) -> int:
    if number % 4 == 0 and self.request.retries == 0 and os.environ.get("FLAKY"):
        raise self.retry(exc=OSError("printer busy"), countdown=0.5)
    if os.environ.get("BROKEN") and number > 4:
        return 1 // (random.randint(1, 1) - 1)
    return number
