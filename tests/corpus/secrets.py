"""Log lines that hold a secret, made from the shapes the providers document.

Deterministic: the same seed makes the same lines. Nothing here knows the redactor's patterns; each
maker is written from the documentation of whoever hands the secret out.
"""

# ruff: noqa: E501 - a line of a log reads better unbroken

import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from tests.corpus.envelopes import ENVELOPES

LOWER_HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"
BASE64 = ALNUM + "+/"
UPPER_ALNUM = string.ascii_uppercase + string.digits
PASSWORD_MARKS = "!@#$%^*+-_.~?"
WORDS = ("sommer", "Dragon", "monkey", "letmein", "Welcome", "berlin", "Admin", "qwerty", "trustno",
         "Liverpool", "shadow", "hunter", "Passw0rd", "changeme", "S3cret", "geheim")  # fmt: skip


@dataclass(frozen=True, slots=True)
class SecretLine:
    """One line with one secret in it, and where."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def secret(self) -> str:
        """The secret as it stands in the line."""
        return self.text[self.start : self.end]


class Maker:
    """Random parts of secrets."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, alphabet: str, low: int, high: int = 0) -> str:
        """So many characters of an alphabet."""
        count = self.random.randint(low, high or low)
        return "".join(self.random.choice(alphabet) for _ in range(count))

    def one(self, options: tuple[str, ...]) -> str:
        """One of the options."""
        return self.random.choice(options)

    def uuid(self) -> str:
        """A random UUID."""
        return "-".join(self.of(LOWER_HEX, n) for n in (8, 4, 4, 4, 12))

    def password(self) -> str:
        """As people choose them and as generators make them, without quotes, blanks, / , ; &."""
        style = self.random.randrange(4)
        if style == 0:
            return self.one(WORDS) + self.of(string.digits, 1, 4) + self.one(("", "!", "#", "$"))
        if style == 1:
            return self.of(ALNUM + PASSWORD_MARKS, 1) + self.of(ALNUM, 7, 20)
        if style == 2:
            return self.of(ALNUM, 3) + self.of(ALNUM + PASSWORD_MARKS, 8, 24) + self.of(ALNUM, 2)
        return "-".join(self.one(WORDS).lower() for _ in range(3)) + self.of(string.digits, 2)

    def simple_password(self) -> str:
        """Letters and digits only: valid unescaped wherever it stands."""
        return self.one(WORDS) + self.of(ALNUM, 4, 12)

    def base64(self, characters: int) -> str:
        """Base64 with its padding, so many characters in all."""
        pad = {1: "=", 2: "=="}.get(self.random.randrange(3), "")
        return self.of(BASE64, characters - len(pad)) + pad


Shape = Callable[[Maker], str]

PROVIDERS: dict[str, Shape] = {
    "aws access key id": lambda m: m.one(("AKIA", "ASIA")) + m.of(UPPER_ALNUM[:26] + "234567", 16),
    "aws session token": lambda m: m.one(("IQoJb3JpZ2luX2Vj", "FwoGZXIvYXdz")) + m.base64(300),
    "google api key": lambda m: "AIza" + m.of(URLSAFE, 35),
    "google oauth token": lambda m: "ya29.a0" + m.of(URLSAFE, 120, 180),
    "google client secret": lambda m: "GOCSPX-" + m.of(URLSAFE, 28),
    "google refresh token": lambda m: "1//0" + m.of(ALNUM, 1) + m.of(URLSAFE, 95),
    "firebase server key": lambda m: f"AAAA{m.of(URLSAFE, 7)}:APA91b{m.of(URLSAFE, 134)}",
    "azure client secret": lambda m: m.of(ALNUM, 3) + "8Q~" + m.of(ALNUM + "-_.~", 33) + "a",
    "github classic": lambda m: m.one(("ghp_", "gho_", "ghu_", "ghs_", "ghr_")) + m.of(ALNUM, 36),
    "github fine grained": lambda m: f"github_pat_{m.of(ALNUM, 22)}_{m.of(ALNUM, 59)}",
    "gitlab token": lambda m: (
        m.one(("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-1_")) + m.of(URLSAFE, 20)
    ),
    "slack token": lambda m: (
        f"{m.one(('xoxb', 'xoxp'))}-{m.of('123456789', 12)}-{m.of('123456789', 12)}-{m.of(ALNUM, 24)}"
    ),
    "slack app token": lambda m: (
        f"xapp-1-A0{m.of(UPPER_ALNUM, 9)}-{m.of('123456789', 13)}-{m.of(LOWER_HEX, 64)}"
    ),
    "stripe key": lambda m: m.one(("sk_live_", "rk_live_", "pk_live_", "sk_test_")) + m.of(ALNUM, 24),
    "stripe webhook": lambda m: "whsec_" + m.of(ALNUM, 32),
    "twilio api key": lambda m: "SK" + m.of(LOWER_HEX, 32),
    "sendgrid": lambda m: f"SG.{m.of(URLSAFE, 22)}.{m.of(URLSAFE, 43)}",
    "mailgun": lambda m: "key-" + m.of(LOWER_HEX, 32),
    "mailchimp": lambda m: f"{m.of(LOWER_HEX, 32)}-us{m.random.randint(1, 21)}",
    "npm": lambda m: "npm_" + m.of(ALNUM, 36),
    "pypi": lambda m: "pypi-AgEIcHlwaS5vcmc" + m.of(URLSAFE, 140, 160),
    "docker": lambda m: "dckr_pat_" + m.of(URLSAFE, 27),
    "digitalocean": lambda m: m.one(("dop_v1_", "doo_v1_", "dor_v1_")) + m.of(LOWER_HEX, 64),
    "cloudflare origin": lambda m: f"v1.0-{m.of(LOWER_HEX, 24)}-{m.of(LOWER_HEX, 146)}",
    "cloudflare tunnel": lambda m: "eyJhIjoi" + m.of(ALNUM, 160) + "In0=",
    "new relic": lambda m: "NRAK-" + m.of(UPPER_ALNUM, 27),
    "openai": lambda m: m.one(("sk-", "sk-proj-", "sk-svcacct-")) + m.of(ALNUM, 48),
    "anthropic": lambda m: f"sk-ant-api03-{m.of(URLSAFE, 93)}AA",
    "hugging face": lambda m: "hf_" + m.of(string.ascii_letters, 34),
    "discord bot": lambda m: f"M{m.of(ALNUM, 23)}.{m.of(URLSAFE, 6)}.{m.of(URLSAFE, 27)}",
    "telegram bot": lambda m: f"{m.of('123456789', 10)}:AA{m.of(URLSAFE, 33)}",
    "shopify": lambda m: m.one(("shpat_", "shpss_", "shpca_", "shppa_")) + m.of(LOWER_HEX, 32),
    "square": lambda m: m.one(("sq0atp-" + m.of(URLSAFE, 22), "sq0csp-" + m.of(URLSAFE, 43))),
    "vault service token": lambda m: "hvs." + m.of(URLSAFE, 90, 100),
    "vault legacy token": lambda m: "s." + m.of(ALNUM, 24),
    "terraform cloud": lambda m: f"{m.of(ALNUM, 14)}.atlasv1.{m.of(URLSAFE, 67)}",
    "databricks": lambda m: "dapi" + m.of(LOWER_HEX, 32),
    "grafana": lambda m: m.one((
        f"glsa_{m.of(ALNUM, 32)}_{m.of(LOWER_HEX, 8)}", "glc_eyJ" + m.of(ALNUM, 100))),
    "linear": lambda m: "lin_api_" + m.of(ALNUM, 40),
    "notion": lambda m: m.one(("secret_" + m.of(ALNUM, 43), "ntn_" + m.of(ALNUM, 46))),
    "atlassian": lambda m: f"ATATT3xFfGF0{m.of(URLSAFE, 170)}={m.of(UPPER_ALNUM, 8)}",
    "dropbox": lambda m: "sl.B" + m.of(URLSAFE, 135),
    "facebook": lambda m: "EAA" + m.of(ALNUM, 160),
    "age": lambda m: "AGE-SECRET-KEY-1" + m.of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "postman": lambda m: f"PMAK-{m.of(LOWER_HEX, 24)}-{m.of(LOWER_HEX, 34)}",
    "rubygems": lambda m: "rubygems_" + m.of(LOWER_HEX, 48),
    "jwt": lambda m: (
        f"eyJhbGciOi{m.of(ALNUM, 26)}.eyJ{m.of(URLSAFE, 60, 300)}.{m.of(URLSAFE, 43)}"
    ),
}  # fmt: skip
"""Shapes one knows without looking at what stands around them."""

NEUTRAL = ("using key {} for upload", "rejected {} (403)", "login with {}", "argument 3: '{}'",
           "retrying with {}, attempt 2", '{{"value":"{}","retry":true}}', "GET /v1/x?t={}&page=2 200",
           "exported X={}", "[auth] {}", "credential <{}> revoked", "found {} in environment")  # fmt: skip

NAMED_SECRETS: dict[str, tuple[tuple[str, ...], Shape]] = {
    "aws secret": (("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
                   lambda m: m.of(BASE64, 40)),
    "azure account key": (("AccountKey", "azure_storage_account_key"),
                          lambda m: m.of(BASE64, 86) + "=="),
    "twilio auth token": (("TWILIO_AUTH_TOKEN", "authToken"), lambda m: m.of(LOWER_HEX, 32)),
    "heroku": (("HEROKU_API_KEY", "heroku_api_key"), lambda m: m.uuid()),
    "cloudflare token": (("CF_API_TOKEN", "X-Auth-Key", "CLOUDFLARE_API_KEY"),
                         lambda m: m.of(URLSAFE, 37, 40)),
    "datadog": (("DD_API_KEY", "DD-API-KEY", "dd_app_key"), lambda m: m.of(LOWER_HEX, 32)),
    "algolia": (("ALGOLIA_API_KEY", "X-Algolia-API-Key"), lambda m: m.of(LOWER_HEX, 32)),
    "okta": (("OKTA_API_TOKEN", "okta_client_token"), lambda m: "00" + m.of(URLSAFE, 40)),
    "wireguard": (("PrivateKey", "PresharedKey"), lambda m: m.of(BASE64, 43) + "="),
    "service account key id": (("private_key_id",), lambda m: m.of(LOWER_HEX, 40)),
    "generic api key": (("api_key", "apiKey", "X-Api-Key", "api-key"), lambda m: m.of(ALNUM, 20, 40)),
    "client secret": (("client_secret", "clientSecret", "OAUTH_CLIENT_SECRET"),
                      lambda m: m.of(ALNUM + "-_~.", 24, 40)),
    "access token": (("access_token", "refresh_token", "id_token", "SLACK_TOKEN", "session_token"),
                     lambda m: m.of(URLSAFE, 24, 64)),
    "signing key": (("SECRET_KEY_BASE", "signing_key", "encryption_key", "secretKey"),
                    lambda m: m.of(LOWER_HEX, 64)),
    "password": (("password", "passwd", "pwd", "DB_PASSWORD", "PGPASSWORD", "spring.datasource.password",
                  "userPassword", "MYSQL_PWD", "smtp_pass", "ADMIN_PW", "passphrase", "new_password",
                  "password_confirmation"), lambda m: m.password()),
}  # fmt: skip
"""Secrets without a shape, known by their names: name, value."""

ASSIGNED = ("{k}={v}", '{k}="{v}"', "{k}='{v}'", "{k}: {v}", '"{k}": "{v}"', '"{k}":"{v}",', "{k} = {v}",
            "{{'{k}': '{v}'}}", '\\"{k}\\":\\"{v}\\"', "--{k}={v}", "{k}=>{v}", "Config({k}={v}, retries=3)",
            "?{k}={v}&page=2", "<{k}>{v}</{k}>", '"{k}" => "{v}"', "export {k}={v}",
            'time=12 {k}="{v}" user=joe')  # fmt: skip
HEADER_LIKE = ("{k}: {v}", "'{k}': '{v}'", "-H '{k}: {v}'", '"{k}":"{v}"', "{k}:[{v}]")

MEMBERS = 26
"""Lines of each kind."""


def secret_lines(seed: int = 1) -> list[SecretLine]:
    """Every kind, each in realistic lines of many formats."""
    maker = Maker(seed)
    lines = [_wrapped(maker, kind, body, secret) for kind, body, secret in _bodies(maker)]
    return [line for line in lines if line is not None]


def _wrapped(maker: Maker, kind: str, body: str, secret: str) -> SecretLine | None:
    """Put a message into the line of some logger, escaped as that logger would."""
    envelope = maker.random.choice(ENVELOPES)
    if envelope.escapes:
        body, secret = json.dumps(body)[1:-1], json.dumps(secret)[1:-1]
    text = envelope.around(body, maker.random)
    start = text.find(secret)
    if start < 0 or text.count(secret) != 1:
        return None  # by chance the secret also stands elsewhere: nothing to measure
    return SecretLine(kind, text, start, start + len(secret))


def _bodies(maker: Maker) -> Iterator[tuple[str, str, str]]:
    for kind, shape in PROVIDERS.items():
        for _ in range(MEMBERS):
            secret = shape(maker)
            yield kind, maker.one(NEUTRAL).format(secret), secret
    for kind, (names, shape) in NAMED_SECRETS.items():
        for turn in range(MEMBERS * (4 if kind == "password" else 1)):
            name, secret = names[turn % len(names)], shape(maker)
            header = "-" in name
            forms = HEADER_LIKE if header else ASSIGNED
            yield kind, maker.one(forms).format(k=name, v=secret), secret
    for kind, makes in PLACED.items():
        for turn in range(MEMBERS):
            body, secret = makes[turn % len(makes)](maker)
            yield kind, body, secret


Placed = Callable[[Maker], tuple[str, str]]


def _in(template: str, shape: Shape) -> Placed:
    def make(maker: Maker) -> tuple[str, str]:
        secret = shape(maker)
        return template.replace("{}", secret), secret

    return make


def _plain(maker: Maker) -> str:
    return maker.simple_password()


def _any(maker: Maker) -> str:
    return maker.password()


def _url_password(maker: Maker) -> str:
    return quote(maker.password(), safe="!$*+-_.~")


def _basic(maker: Maker) -> str:
    return maker.base64(maker.random.choice((16, 24, 32)))


def _opaque(maker: Maker) -> str:
    return maker.of(URLSAFE, 24, 60)


def _key_block(kind: str) -> Placed:
    def make(maker: Maker) -> tuple[str, str]:
        body = "\\n".join(maker.of(BASE64, 64) for _ in range(3))
        block = f"-----BEGIN {kind}-----\\n{body}\\n-----END {kind}-----"
        return f"loaded {block} ok", block

    return make


def _card_number(maker: Maker) -> str:
    prefix, length = maker.random.choice((("4", 16), ("51", 16), ("55", 16), ("2221", 16),
                                          ("6011", 16), ("65", 16), ("37", 15), ("34", 15),
                                          ("3530", 16), ("36", 14)))  # fmt: skip
    digits = prefix + maker.of(string.digits, length - len(prefix) - 1)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    number = digits + str(-total % 10)
    gap = maker.random.choice(("", " ", "-")) if length == 16 else ""
    return gap.join(number[i : i + 4] for i in range(0, 16, 4)) if gap else number


PLACED: dict[str, tuple[Placed, ...]] = {
    "password in url": (
        _in("connecting to postgres://shop:{}@db.internal:5432/shop?sslmode=require", _url_password),
        _in("broker amqp://guest:{}@rabbit:5672/%2F unreachable", _url_password),
        _in("redis://:{}@cache:6379/0 refused", _url_password),
        _in('"dsn":"mysql+pymysql://app:{}@10.0.0.7/app"', _url_password),
        _in("fatal: unable to access 'https://ci:{}@git.example.com/x.git/'", _url_password),
        _in("mongodb+srv://svc:{}@cluster0.ab1cd.mongodb.net/?retryWrites=true", _url_password),
        _in("proxy=http://user:{}@proxy.corp:3128 timeout=5", _url_password),
        _in("smtp://ops@example.com:{}@mail.example.com:587", _plain),
        _in("cmd: git clone https://oauth2:{}@gitlab.example.com/a/b.git", _opaque),
    ),
    "password in connection string": (
        _in("Server=tcp:db,1433;Database=shop;User ID=sa;Password={};Encrypt=True;", _any),
        _in("Data Source=db;uid=app;pwd={};Pooling=false", _any),
        _in("jdbc:postgresql://db:5432/x?user=app&password={}&ssl=true", _plain),
        _in("jdbc:sqlserver://db:1433;user=sa;password={};trustServerCertificate=true", _plain),
        _in("host=db port=5432 user=app password={} dbname=shop", _any),
        _in("app:{}@tcp(db:3306)/shop?parseTime=true", _plain),
        _in("jdbc:oracle:thin:scott/{}@//ora:1521/XE", _plain),
    ),
    "azure sas": (
        _in("GET https://a.blob.core.windows.net/c/f?sv=2024-01-01&se=2026-01-01&sig={}&sp=r 403",
            lambda m: m.of(ALNUM, 40) + "%3D"),
        _in("Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={}",
            lambda m: m.of(BASE64, 43) + "="),
        _in("PUT https://b.s3.amazonaws.com/k?X-Amz-Date=20260101T000000Z&X-Amz-Signature={} 403",
            lambda m: m.of(LOWER_HEX, 64)),
    ),
    "webhook": (
        _in("POST https://hooks.slack.com/services/{} 404", lambda m: (
            f"T{m.of(UPPER_ALNUM, 8)}/B{m.of(UPPER_ALNUM, 10)}/{m.of(ALNUM, 24)}")),
        _in("POST https://discord.com/api/webhooks/{}: 429", lambda m: (
            f"{m.of('123456789', 18)}/{m.of(URLSAFE, 68)}")),
        _in("sentry dsn https://{}@o4501.ingest.sentry.io/4501", lambda m: m.of(LOWER_HEX, 32)),
    ),
    "authorization": (
        _in("> Authorization: Bearer {}", _opaque),
        _in('"authorization":"Basic {}"', _basic),
        _in("curl -H 'Authorization: Bearer {}' https://api", _opaque),
        _in("Proxy-Authorization: Basic {}", _basic),
        _in("{'Authorization': 'Token {}', 'Accept': '*/*'}", _opaque),
        _in("map[Accept:[*/*] Authorization:[Bearer {}]]", _opaque),
        _in("authorization=Bearer%20{}", _opaque),
        _in("Authorization: SSWS {}", lambda m: "00" + m.of(URLSAFE, 40)),
        _in("sent bearer {} to upstream", _opaque),
        _in('Authorization: Digest username="joe", realm="x", nonce="1", uri="/", response="{}"',
            lambda m: m.of(LOWER_HEX, 32)),
        _in("{\\\"Authorization\\\":\\\"Bearer {}\\\"}", _opaque),
    ),
    "cookie": (
        _in("Cookie: sessionid={}", _opaque),
        _in("Set-Cookie: sid={}; Path=/; HttpOnly; Secure", _opaque),
        _in('"cookie":"connect.sid={}"', lambda m: f"s%3A{m.of(URLSAFE, 32)}.{m.of(ALNUM, 43)}"),
        _in("GET /shop;jsessionid={} 200", lambda m: m.of(UPPER_ALNUM, 32)),
        _in("-b 'x' Cookie: PHPSESSID={}; path=/", lambda m: m.of(LOWER_HEX, 26)),
        _in("{'Set-Cookie': 'auth={}; Max-Age=3600'}", _opaque),
    ),
    "private key": tuple(_key_block(kind) for kind in (
        "RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "DSA PRIVATE KEY")),
    "command line": (
        _in("CMD sshpass -p {} ssh -p 2222 root@host", _plain),
        _in("mysqldump -u root -p{} shop > dump.sql", _plain),
        _in("mysql -h db -uroot -p'{}' -e 'select 1'", _any),
        _in("docker login -u ci -p {} registry.example.com", _plain),
        _in("exec: tool --user ci --password {} --verbose", _plain),
        _in("redis-cli -h cache -a {} ping", _plain),
        _in("curl -u admin:{} https://api.example.com/x", _plain),
        _in("ldapsearch -D cn=admin -w {} -b dc=x", _plain),
        _in("args=[--token {} --url https://x]", _opaque),
        _in('"Args":["--user","x","--api-key","{}"]', _opaque),
        _in("PGPASSWORD={} psql -h db -U app", _plain),
        _in("keytool -storepass {} -list", _plain),
    ),
    "sql": (
        _in("STATEMENT:  ALTER USER app WITH PASSWORD '{}'", _any),
        _in("CREATE USER 'a'@'%' IDENTIFIED BY '{}'", _any),
        _in("SET PASSWORD = PASSWORD('{}')", _any),
        _in("ALTER USER app IDENTIFIED BY \"{}\" ACCOUNT UNLOCK", _plain),
        _in("UPDATE users SET password = '{}' WHERE id = 7", _any),
    ),
    "url encoded": (
        _in("body=user%3Djoe%26password%3D{}%26x%3D1", _plain),
        _in("POST /login password%3D{}", _plain),
        _in("payload=%7B%22password%22%3A%22{}%22%7D", _plain),
        _in("next=%2Fcb%3Faccess_token%3D{}", _opaque),
        _in("db=postgres%3A%2F%2Fapp%3A{}%40db%2Fshop", _plain),
        _in("user%5Bpassword%5D={}&commit=Log+in", _plain),
    ),
    "nested json": (
        _in('body={\\"user\\":\\"joe\\",\\"password\\":\\"{}\\",\\"otp\\":1}', _plain),
        _in('"msg":"{\\\\\\"client_secret\\\\\\":\\\\\\"{}\\\\\\"}"', _opaque),
        _in('{"auth":{"user":"x","pass":"{}"},"n":1}', _any),
        _in('{"name":"DB_PASSWORD","value":"{}"}', _any),
        _in("env: [{name: DB_PASSWORD, value: {}}]", _plain),
        _in("userPassword:: {}", lambda m: m.base64(24)),
        _in('request {"login": {"password": "{}", "remember": false}}', _any),
    ),
    "said": (
        _in("A temporary password is generated for root@localhost: {}", _plain),
        _in("Using generated security password: {}", lambda m: m.uuid()),
        _in("password was set to {} by admin", lambda m: m.one(WORDS) + m.of(string.digits, 4)),
        _in("Admin password: {}", _plain),
    ),
    "card": (
        _in("charge card {} declined", _card_number),
        _in('{"pan":"{}","exp":"12/29"}', _card_number),
        _in("cc={} amount=12.50", _card_number),
    ),
}  # fmt: skip
"""Secrets known by the place they stand in."""
