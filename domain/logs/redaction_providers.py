"""The shapes of the keys that cloud and software services hand out.

From what the providers document and the public rules of secret scanners. A shape with a prefix of
its own is its own gate; the others name the literal they are looked up by. Keys without a shape
(Datadog, Heroku, Algolia, ...) are known by the name they are assigned to: `redaction_keyed`.
"""

import re
from typing import NamedTuple

from domain.logs.redaction_rule import Hide, Rule, begins_apart, rule, substituting

_MIXED = re.compile(r"[0-9]")


class _Shape(NamedTuple):
    kind: str
    pattern: str
    gate: str = ""
    digits: int = 0  # at least so many: `sk-container-main-content` is no key
    apart: bool = True


_END = r"(?![\w-])"
# Shapes that share a gate share its cost.
_BY_A = "A(?:KIA|SIA|BIA|CCA|Iza|T[AC]TT3|TBB|GE-SECRET|BSK)"
_BY_UNDERSCORE = "_[A-Za-z0-9]{30}"
_SHAPES: tuple[_Shape, ...] = (
    _Shape("aws_key", rf"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{{16}}{_END}", _BY_A),
    _Shape("aws_session_token", r"(?:FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9+/=]{50,4096}",
           "oGZXIvYXdz"),
    _Shape("aws_secret", r"(?<=aws_secret_access_key )[A-Za-z0-9+/]{40}", "_access_key "),
    _Shape("aws_session_token", r"IQoJb3JpZ2lu[A-Za-z0-9+/=%]{50,4096}"),
    _Shape("aws_key", r"ABSK[A-Za-z0-9+/]{109,269}={0,2}", _BY_A),
    _Shape("google_key", r"AIza[\w-]{35}", _BY_A),
    _Shape("google_token", r"ya29\.[\w-]{20,2048}"),
    _Shape("google_token", r"1//0[\w-]{40,255}"),
    _Shape("google_secret", r"GOCSPX-[\w-]{20,40}"),
    _Shape("google_key", rf"GOOG1?[A-Z0-9]{{20,61}}{_END}"),
    _Shape("firebase_key", r"AAAA[\w-]{7}:APA91[\w-]{100,255}", ":APA91", apart=False),
    _Shape("azure_secret", r"[\w~.-]{3}[78]Q~[\w~.-]{31,34}", "Q~[A-Za-z0-9_~.-]{31}"),
    _Shape("github_token", r"gh[pousr]_[A-Za-z0-9]{30,255}", _BY_UNDERSCORE),
    _Shape("github_token", r"github_pat_\w{22,255}"),
    _Shape("gitlab_token",
           r"gl(?:pat|ptt|dt|rtr?|cbt|oas|soat|ft|imt|agent|ffct|wt)-[\w.-]{20,300}"),
    _Shape("slack_token", r"xox[abeoprscd](?:\.xox[bp])?-[\w-]{10,255}"),
    _Shape("slack_token", r"xapp-[\w-]{20,255}"),
    _Shape("slack_hook", r"(?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{20,100}",
           r"hooks\.slack\.com/"),
    _Shape("slack_hook", r"(?<=hooks\.slack\.com/workflows/)[A-Za-z0-9/]{20,100}",
           r"hooks\.slack\.com/"),
    _Shape("stripe_key", r"[srp]k_(?:live|test|prod)_\w{10,255}", "k_(?:live|test|prod)_"),
    _Shape("stripe_key", r"whsec_[\w+/=]{16,255}"),
    _Shape("twilio_key", rf"SK[0-9a-f]{{32}}{_END}"),
    _Shape("sendgrid_key", r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _Shape("mailgun_key", rf"key-[0-9a-f]{{32}}{_END}"),
    _Shape("mailchimp_key", rf"[0-9a-f]{{32}}-us\d{{1,2}}{_END}", r"-us[0-9]"),
    _Shape("npm_token", r"npm_[A-Za-z0-9]{36,255}", _BY_UNDERSCORE),
    _Shape("pypi_token", r"pypi-[\w-]{50,1024}"),
    _Shape("docker_token", r"dckr_[po]at_[\w-]{20,255}"),
    _Shape("digitalocean_token", r"do[opr]_v1_[a-f0-9]{64}", _BY_UNDERSCORE),
    _Shape("heroku_key", r"HRKU-[\w-]{30,255}"),
    _Shape("cloudflare_token", r"v1\.0-[a-f0-9]{24}-[a-f0-9]{100,255}"),
    _Shape("cloudflare_token", r"cf(?:ut|at|k)_\w{30,255}", _BY_UNDERSCORE),
    _Shape("tunnel_token", r"eyJhIjoi[A-Za-z0-9+/_-]{60,1024}={0,2}", "eyJ"),
    _Shape("newrelic_key", r"NR(?:AK|II|JS|IQ|BR|RA|SP)-[\w-]{19,64}"),
    _Shape("newrelic_key", rf"[0-9a-fA-F]{{36}}NRAL{_END}", "NRAL"),
    _Shape("sentry_token", r"sntry[su]_[\w+/=-]{40,512}"),
    _Shape("api_key", r"sk-[\w-]{20,255}", digits=1),
    _Shape("huggingface_token", r"hf_[A-Za-z0-9]{30,255}", _BY_UNDERSCORE),
    _Shape("groq_key", r"gsk_[A-Za-z0-9]{40,64}", _BY_UNDERSCORE),
    _Shape("xai_key", r"xai-[A-Za-z0-9]{60,100}"),
    _Shape("replicate_token", rf"r8_[A-Za-z0-9]{{37}}{_END}", _BY_UNDERSCORE),
    _Shape("discord_token", r"[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,40}",
           r"\.[\w-]{6}\.[\w-]{27}", digits=1),
    _Shape("discord_hook", r"(?<=/api/webhooks/)\d{17,20}/[\w-]{60,80}", "/api/webhooks/"),
    _Shape("telegram_token", rf"\d{{8,10}}:A[\w-]{{34}}{_END}", r":A[\w-]{34}", apart=False),
    _Shape("shopify_token", r"shp(?:at|ca|pa|ss|ua|tka)_[a-fA-F0-9]{32}", _BY_UNDERSCORE),
    _Shape("square_token", r"sq0[a-z]{3}-[\w-]{22,43}"),
    _Shape("facebook_token", r"EAA[A-Za-z0-9_-]{30,512}", digits=2),
    _Shape("vault_token", r"hv[sbr]\.[\w-]{24,300}"),
    _Shape("vault_token", r"s\.[A-Za-z0-9]{24}(?![\w.-])", digits=1),
    _Shape("terraform_token", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,70}", r"\.atlasv1\."),
    _Shape("databricks_token", rf"dapi[a-f0-9]{{32}}(?:-\d)?{_END}"),
    _Shape("grafana_token", r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}", _BY_UNDERSCORE),
    _Shape("grafana_token", r"glc_[A-Za-z0-9+/]{32,400}={0,3}"),
    _Shape("linear_key", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}", _BY_UNDERSCORE),
    _Shape("notion_token", rf"secret_[A-Za-z0-9]{{43}}{_END}", _BY_UNDERSCORE, digits=1),
    _Shape("notion_token", r"ntn_[A-Za-z0-9]{40,64}", _BY_UNDERSCORE),
    _Shape("atlassian_token", r"AT[AC]TT3[\w=-]{60,512}", _BY_A),
    _Shape("atlassian_token", rf"ATBB[A-Za-z0-9]{{32}}{_END}", _BY_A),
    _Shape("dropbox_token", r"sl\.(?:u\.)?[\w-]{60,2048}"),
    _Shape("age_key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}", _BY_A),
    _Shape("postman_key", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    _Shape("rubygems_key", r"rubygems_[a-f0-9]{48}", _BY_UNDERSCORE),
    _Shape("doppler_token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40,64}"),
    _Shape("brevo_key", r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    _Shape("pulumi_token", rf"pul-[a-f0-9]{{40}}{_END}"),
    _Shape("supabase_key", r"sb(?:p_|_secret_)[\w]{20,64}"),
    _Shape("planetscale_token", r"pscale_(?:tkn|pw|oauth)_[\w.-]{32,64}"),
    _Shape("dynatrace_token", r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _Shape("openshift_token", r"sha256~[\w-]{43}"),
    _Shape("airtable_token", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}", r"\.[a-f0-9]{64}"),
    _Shape("netlify_token", r"nfp_[A-Za-z0-9]{36,40}", _BY_UNDERSCORE),
    _Shape("alibaba_key", rf"LTAI[A-Za-z0-9]{{12,20}}{_END}", digits=1),
    _Shape("fly_token", r"fm2_[A-Za-z0-9+/=_-]{40,2048}"),
)  # fmt: skip


def provider_rules() -> tuple[Rule, ...]:
    """One rule a shape, in the order they are applied."""
    return tuple(_rule_of(shape) for shape in _SHAPES)


def _rule_of(shape: _Shape) -> Rule:
    def replaced(match: re.Match[str], hide: Hide) -> str:
        if shape.apart and not shape.pattern.startswith("(?<=") and not begins_apart(match):
            return match[0]
        if len(_MIXED.findall(match[0])) < shape.digits:
            return match[0]
        return hide(shape.kind, match[0])

    return rule((shape.gate or shape.pattern,), substituting(shape.pattern, replaced))
