"""Log lines that look as if they held a secret and hold none: they must stay as they are."""

# ruff: noqa: E501 - a line of a log reads better unbroken

import string
from collections.abc import Callable

from tests.corpus.envelopes import ENVELOPES
from tests.corpus.secrets import ALNUM, BASE64, LOWER_HEX, URLSAFE, WORDS, Maker

Look = Callable[[Maker], str]
NAMES = ("db-credentials", "default/tls-cert", "orders-db", "app.example.com", "payments-api-token",
         "registry-pull", "kube-system/bootstrap-token-x", "shop-tls-2026")  # fmt: skip
MASKS = ("***", "********", "<redacted>", "[REDACTED]", "[FILTERED]", "xxxxx", "null", "None", "nil",
         "<hidden>", "(hidden)", "${DB_PASSWORD}", "$DB_PASSWORD", "{{ .Values.password }}", "%s",
         "******", "undefined", "<nil>", "true", "false", "?", "***REMOVED***", "XXXXXXXX",
         "os.environ['DB']", "process.env.DB", "[MASKED]", "", "...", "#####")  # fmt: skip


def _not_luhn(maker: Maker) -> str:
    while True:
        digits = maker.one(("4", "5", "3", "6")) + maker.of(string.digits, 15)
        total = sum(
            sum(divmod(int(d) * (2 if place % 2 else 1), 10))
            for place, d in enumerate(digits[::-1])
        )
        if total % 10:
            return digits


def _prose(*sentences: str) -> Look:
    return lambda maker: maker.one(sentences).replace("{u}", maker.one(("shop", "joe", "root")))


LOOKALIKES: dict[str, Look] = {
    "git hash": lambda m: f"commit {m.of(LOWER_HEX, 40)} pushed by ci, was {m.of(LOWER_HEX, 7)}",
    "uuid": lambda m: f"{m.one(('request', 'id=', 'user_id=', 'session'))} {m.uuid()} done in 12ms",
    "trace id": lambda m: f"trace_id={m.of(LOWER_HEX, 32)} span_id={m.of(LOWER_HEX, 16)} sampled",
    "traceparent": lambda m: f"traceparent: 00-{m.of(LOWER_HEX, 32)}-{m.of(LOWER_HEX, 16)}-01",
    "base64 payload": lambda m: f"payload={m.base64(m.random.choice((24, 48, 120)))} size=90",
    "base64 json": lambda m: f"data: eyJvcmRlcl9pZCI6{m.of(BASE64, 80)}",
    "container id": lambda m: f"container {m.of(LOWER_HEX, 64)} started from {m.of(LOWER_HEX, 12)}",
    "pod": lambda m: f"pod/shop-api-{m.of(LOWER_HEX, 10)}-{m.of(ALNUM.lower(), 5)} evicted",
    "etag": lambda m: f'"GET /a.css" 304 etag="{m.of(LOWER_HEX, 32)}-{m.random.randint(1, 99)}"',
    "mask": lambda m: (
        f"{m.one(('password', 'token', 'api_key', 'secret', 'client_secret', 'DB_PASSWORD'))}"
        f"{m.one(('=', ': '))}{m.one(MASKS)}"
    ),
    "mask in json": lambda m: (
        f'{{"user":"x","{m.one(("password", "token", "apiKey", "secret"))}":"{m.one(MASKS[:10])}"}}'
    ),
    "prose about passwords": _prose(
        'FATAL:  password authentication failed for user "{u}"', "password reset requested by {u}",
        "Failed password for {u} from 10.0.0.3 port 52114 ssh2", "password: incorrect for user {u}",
        "Password must contain at least 8 characters", "password: must be at least 8 characters",
        '{"password":["This field is required."]}', '"password": "is too short"', "bad password given",
        "password changed for user {u}", "Accepted password for {u} from 10.1.1.1 port 22 ssh2",
        "enter passphrase for key '/home/{u}/.ssh/id_rsa':", "[password]: This value is too short.",
        "Authentication failed: password expired", "password is required", "password was rejected",
        "ERROR 1045 (28000): Access denied for user '{u}'@'10.0.0.4' (using password: YES)",
        "pam_unix(sshd:auth): check pass; user unknown", "first pass: 12 rows, second pass: 3 rows",
    ),
    "prose about tokens": _prose(
        "Bearer token missing", "authorization: bearer token missing", "invalid token: expired",
        "unexpected token: end of input", "SyntaxError: Unexpected token '<', \"<!DOCTYPE \"...",
        "token expired for user {u}", "JWT token signature mismatch", "token: invalid", "no token set",
        "csrf token missing or incorrect", "token_type=bearer expires_in=3600", "tokens=512 cost=3",
        "max_tokens: 4096 prompt_tokens=17 completion_tokens: 230", "refresh token rotated",
        "Basic authentication is not supported", "Authorization header missing", "Bearer realm=api",
        'WWW-Authenticate: Bearer realm="registry",service="docker"', "basic realm configuration {u}",
        "Authorization required", "authorization: none", "invalid bearer authentication method",
    ),
    "prose about secrets": _prose(
        'secret "db-credentials" not found', "secret/db-credentials configured", "secrets mounted",
        "MountVolume.SetUp failed for volume \"tls\" : secret \"shop-tls\" not found", "Secret: found",
        "api key missing", "API key: not configured", "primary key=orders_pkey", "key=user:42 miss",
        "duplicate key value violates unique constraint \"users_pkey\"", "cache_key=product:1234 hit",
        "foreign key (order_id)=(17) is not present", "signature: mismatch", "signature=invalid",
        "credentials: expired", "credential provider chain exhausted", "partition_key=2026-11 hot",
        "routing_key=orders.created queue=billing", "cookie: none", "cookies=disabled", "key: value",
        "Cookie header too large", "no cookie found", "sort_key=created_at", "private key missing",
        "keyfile /etc/ssl/private/server.key unreadable", "public key accepted for {u}",
    ),
    "secret name": lambda m: (
        f"{m.one(('secret_name=', 'secretName: ', 'secret=', 'secretRef=', 'credential_name='))}"
        f"{m.one(NAMES)} namespace=shop"
    ),
    "secret path": lambda m: (
        f"{m.one(('reading', 'open', 'token_file=', 'password_file=', 'tokenPath: '))} "
        f"{m.one(('/run/secrets/', '/etc/secret/', '/var/lib/tokens/'))}db_password: no such file"
    ),
    "token reference": lambda m: (
        f"{m.one(('token', 'password', 'secret', 'client_secret'))}="
        f"{m.one(('/run/secrets/db_token', '/var/run/secrets/kubernetes.io/serviceaccount/token'))}"
        if m.random.random() < 0.5 else f"secret=arn:aws:secretsmanager:eu-west-1:1:secret:db-{m.of(ALNUM, 6)}"
    ),
    "page token": lambda m: (
        f"{m.one(('nextPageToken', 'page_token', 'continuation_token', 'next_token', 'NextToken'))}"
        f"={m.of(URLSAFE, 20)} limit=100"
    ),
    "package version": lambda m: (
        f"installed {m.one(('sk-learn', 'npm_config', 'pypi-simple', 'glpat', 'hf-hub', 'key-value'))}"
        f"@{m.random.randint(0, 9)}.{m.random.randint(0, 40)}.{m.random.randint(0, 9)}"
    ),
    "order number": lambda m: f"order {_not_luhn(m)} placed, invoice={_not_luhn(m)}",
    "timestamp": lambda m: f"ts={1_700_000_000_000 + m.random.randrange(10**11)} lag=12ms",
    "timestamp ns": lambda m: f"observed={1_700_000_000_000_000_000 + m.random.randrange(10**17)}",
    "iban like": lambda m: f"ref DE{m.of(string.digits, 20)} shipped",
    "digest": lambda m: f"pulled registry/shop@sha256:{m.of(LOWER_HEX, 64)} in 2s",
    "css": lambda m: f"GET /static/main.{m.of(LOWER_HEX, 20)}.css 200 class=sk-{m.one(('primary-button-large-active', 'spinner-container-dark'))}",
    "arn": lambda m: f"arn:aws:iam::{m.of(string.digits, 12)}:role/shop-{m.of(LOWER_HEX, 8)} assumed",
    "aws ids": lambda m: f"RequestId: {m.uuid()} i-{m.of(LOWER_HEX, 17)} vpc-{m.of(LOWER_HEX, 17)} AROA{m.of(ALNUM.upper(), 17)}",
    "cloudflare ray": lambda m: f"cf-ray: {m.of(LOWER_HEX, 16)}-FRA connIndex={m.random.randint(0, 3)}",
    "amz id": lambda m: f"x-amz-id-2: {m.base64(76)} x-amz-request-id: {m.of(ALNUM.upper(), 16)}",
    "url": lambda m: f"GET https://shop.example:8443/a/{m.of(ALNUM, 12)}?q={m.of(ALNUM, 8)}@x HTTP/1.1",
    "url with at": lambda m: f"npm http fetch GET 200 https://registry.npmjs.org:443/@babel/core@7.{m.random.randint(1, 30)}.0",
    "url with user": lambda m: f"ssh://git@github.com:22/{m.one(WORDS)}/x.git fetched, mail {m.one(WORDS)}@example.com",
    "block id": lambda m: f"Received block blk_{m.of('123456789', 19)} of size 67108864",
    "kafka": lambda m: f"orders-{m.random.randint(0, 30)} offset={m.of('123456789', 10)} leader epoch {m.random.randint(1, 99)}",
    "ssh fingerprint": lambda m: f"Accepted publickey for joe: RSA SHA256:{m.of(BASE64, 43)}",
    "certificate": lambda m: f"-----BEGIN CERTIFICATE----- MII{m.of(BASE64, 60)} serial={m.of(LOWER_HEX, 32)}",
    "java": lambda m: f"\tat com.shop.security.TokenService.validate{m.one(WORDS)}Password(TokenService.java:{m.random.randint(10, 900)})",
    "code": _prose(
        "password = request.form.get('password')", "token = os.getenv(name)", "if token == null: return",
        "password=getPassword()", "self.password = password_hash(raw)", "let token: string;",
        "password VARCHAR(255) NOT NULL", "SELECT id, password FROM users WHERE token = ?",
        "WHERE password = $1 AND tenant = $2", "UPDATE u SET password = :password", "secret = config.secret",
        "param password: str = Field(...)", '"password": {"type": "string"}', "token := r.Header.Get(x)",
        "docker run -p 8080:80 -u 1000 nginx", "mysql -h db -u root -p shop", "ssh -p 2222 host-7",
        "curl -u joe https://x", "mkdir -p /var/lib/token", "tool --password-file /etc/x --token-ttl 30",
    ),
    "settings and states": _prose(
        "pass: 100/120 tests", "authorization=rbac2", "Basic info2024 loaded", "password_policy=strict",
        "public_key=ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ", "encryption key: v2 active", "token: 5",
        "idempotency-key: 8f14e45fceea167a5a36dedd4bea2543", "api_key_id=ak_12345 status=active",
        "s3 key=backups/2026-11-23/db.dump.gz", "dedup_key=ab12cd34ef56ab12cd34", "password: 3 attempts left",
        "user_key=12345678901234567890", "credentials: ~/.aws/credentials", "secret: version 12 loaded",
        "session key: user:1234:cart", "lease token 1234 granted", "signature=v4", "api_key: read-only",
        "access key rotation: disabled", "Authorization: denied for user {u}", "requirepass is not set",
    ),
    "metric": lambda m: f"password_attempts={m.random.randint(1, 9)} token_count={m.random.randint(1, 99)} pass={m.random.randint(1, 99)} fail=0 keys=12",
    "model": lambda m: f"tokens: 812 token_usage={m.random.randint(1, 999)} token=17 model=sk-{m.one(('small', 'large'))}",
    "session": lambda m: f"New session {m.random.randint(1, 999)} of user root. session_id={m.of(string.digits, 8)}",
    "ordinary": lambda m: f'10.0.0.{m.random.randint(1, 250)} - - "GET /orders/{m.random.randint(1, 9999)} HTTP/1.1" 200 {m.random.randint(100, 9999)} "-" "curl/8.5.0"',
    "redis": lambda m: f"NOAUTH Authentication required. WRONGPASS invalid username-password pair or user is disabled. {m.of(string.digits, 3)}",
    "blob": lambda m: f"checksum={m.of(BASE64, 43)}= crc32c={m.of(ALNUM, 6)}== md5={m.of(LOWER_HEX, 32)}",
    "tls": lambda m: f"TLS_AES_256_GCM_SHA384 ticket_key_name={m.of(LOWER_HEX, 8)} session key rotated",
}  # fmt: skip
"""Each kind has lines of its own."""


def lookalike_lines(count: int = 5_000, seed: int = 2) -> list[tuple[str, str]]:
    """So many lines in turn of all kinds: kind, line."""
    maker = Maker(seed)
    kinds = list(LOOKALIKES.items())
    lines: list[tuple[str, str]] = []
    for turn in range(count):
        kind, make = kinds[turn % len(kinds)]
        envelope = maker.random.choice([one for one in ENVELOPES if not one.escapes])
        lines.append((kind, envelope.around(make(maker), maker.random)))
    return lines
