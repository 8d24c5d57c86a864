"""/docs without the network: Swagger UI from a package's files instead of a CDN."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

_ASSETS = "/docs/assets"


def install(app: FastAPI) -> None:
    """Serve the page and its assets."""
    import fastapi_offline

    directory = Path(fastapi_offline.__file__).parent / "static"
    page = bytes(
        get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{_ASSETS}/favicon.png",
        ).body
    ).decode()
    policy = _policy(page)

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    app.mount(_ASSETS, StaticFiles(directory=directory), name="docs-assets")


def _policy(page: str) -> str:
    """A content security policy that allows this page's own inline script and no other."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(
        f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
