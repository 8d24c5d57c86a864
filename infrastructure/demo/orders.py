"""The demo's application: a small order service on FastAPI that keeps its orders in Valkey.

Knows nothing of the demo; logs as Python services do.
"""

import argparse
import json
import logging
from typing import Any

import uvicorn
import valkey.asyncio as valkey
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.requests import Request
from valkey.exceptions import ValkeyError

STORE_TIMEOUT_SECONDS = 2.0

log = logging.getLogger("orders")


class NewOrder(BaseModel):
    """What a customer sends."""

    customer: str = Field(max_length=80)
    items: list[str] = Field(min_length=1, max_length=50)


def application(store_port: int) -> FastAPI:
    """The order service, its store on a port of this machine."""
    app = FastAPI(title="orders")
    store = valkey.Valkey(
        host="127.0.0.1",
        port=store_port,
        decode_responses=True,
        socket_timeout=STORE_TIMEOUT_SECONDS,
        socket_connect_timeout=STORE_TIMEOUT_SECONDS,
    )

    @app.exception_handler(ValkeyError)
    async def store_failed(request: Request, error: Exception) -> JSONResponse:
        log.error(
            "%s %s failed: order store at 127.0.0.1:%d: %s",
            request.method,
            request.url.path,
            store_port,
            error,
            exc_info=error,
        )
        return JSONResponse({"detail": "orders are unavailable"}, status_code=503)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        await store.ping()
        return {"status": "ok"}

    @app.post("/orders", status_code=201)
    async def place(order: NewOrder) -> dict[str, Any]:
        number = await store.incr("orders:last")
        await store.set(f"orders:{number}", order.model_dump_json())
        log.info("order %d placed by %s, %d items", number, order.customer, len(order.items))
        return {"number": number}

    @app.get("/orders/{number}")
    async def look_up(number: int) -> dict[str, Any]:
        found = await store.get(f"orders:{number}")
        if found is None:
            raise HTTPException(404, f"no order {number}")
        order: dict[str, Any] = json.loads(found)
        return order

    return app


def main() -> None:
    """Serve on 127.0.0.1."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--store-port", type=int, required=True)
    options = arguments.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s [%(name)s] %(message)s"
    )
    log.info("order store: valkey at 127.0.0.1:%d", options.store_port)
    uvicorn.run(
        application(options.store_port), host="127.0.0.1", port=options.port, log_config=None
    )


if __name__ == "__main__":
    main()
