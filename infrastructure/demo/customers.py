"""The demo's customers: a process that places and looks up orders through the front door."""

import argparse
import http.client
import json
import random
import threading
import time

CUSTOMERS = 4
REQUESTS_PER_SECOND = 4.0
"""Of each customer."""
NAMES = ("ada", "grace", "edsger", "barbara", "donald", "margaret")
GOODS = ("espresso machine", "grinder", "filter paper", "kettle", "scale", "beans 1 kg", "mug")


class Customer(threading.Thread):
    """One customer: an order now and then, and many looks at what became of it."""

    def __init__(self, port: int, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._chance = chance
        self._orders: list[int] = []

    def run(self) -> None:
        """Go on until the process ends; an error page does not discourage this customer."""
        while True:
            began = time.monotonic()
            try:
                self._visit()
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
            pause = self._chance.expovariate(REQUESTS_PER_SECOND)
            time.sleep(max(0.0, pause - (time.monotonic() - began)))

    def _visit(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            if not self._orders or self._chance.random() < 0.4:
                self._order(connection)
            else:
                connection.request("GET", f"/orders/{self._chance.choice(self._orders)}")
                connection.getresponse().read()
        finally:
            connection.close()

    def _order(self, connection: http.client.HTTPConnection) -> None:
        order = {
            "customer": self._chance.choice(NAMES),
            "items": self._chance.choices(GOODS, k=self._chance.randint(1, 5)),
        }
        connection.request(
            "POST", "/orders", json.dumps(order), {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 201:
            self._orders.append(json.loads(body)["number"])


def main() -> None:
    """Send traffic until killed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--seed", type=int, required=True)
    options = arguments.parse_args()
    customers = [
        Customer(options.port, random.Random(options.seed + number))  # noqa: S311 - traffic
        for number in range(CUSTOMERS)
    ]
    for customer in customers:
        customer.start()
    for customer in customers:
        customer.join()


if __name__ == "__main__":
    main()
