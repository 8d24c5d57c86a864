"""HTML for st.html. Only `Markup` passes as HTML; every other string is escaped on its way in.

Streamlit sanitizes what st.html gets (DOMPurify) and runs no script of it; escaping here is the
first line, that is the second.
"""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from interfaces.dashboard.wording import CRITICALITY_MARKS, percent, visible, words

STYLE = """<style>
.stMainBlockContainer{padding-top:4.3rem;padding-bottom:3rem;max-width:1280px}
[data-testid=stVerticalBlock]{gap:.55rem}
[data-testid=stPageLink] p{font-weight:600}
[data-testid=stPageLink] a{padding-left:0}
.ao,.ao *{box-sizing:border-box}
.ao{font-size:.95rem;line-height:1.45}
.ao h1{font-size:1.55rem;line-height:1.25;margin:.1rem 0 .3rem;padding:0;font-weight:650;
 overflow-wrap:anywhere}
.ao h2{font-size:1.02rem;margin:.2rem 0 .35rem;padding:0;font-weight:650}
.ao p{margin:.15rem 0 .45rem;overflow-wrap:anywhere}
.ao a{color:inherit;text-decoration:underline}
.ao .dim{opacity:.75}
.ao .small{font-size:.84rem}
.ao .chip{display:inline-block;border:1px solid color-mix(in srgb,currentColor 35%,transparent);
 border-radius:.3rem;padding:.02rem .45rem;margin:0 .3rem .2rem 0;font-size:.82rem;
 white-space:nowrap}
.ao .c-critical{background:#A32A00;color:#fff;border-color:#A32A00}
.ao .c-high{background:#E69F00;color:#1b1300;border-color:#E69F00}
.ao .c-medium{background:#0072B2;color:#fff;border-color:#0072B2}
.ao .c-low{background:transparent}
.ao .card{border:1px solid color-mix(in srgb,currentColor 18%,transparent);
 border-left:.3rem solid #0072B2;border-radius:.35rem;padding:.7rem .9rem;margin:0 0 .6rem}
.ao .card.cause{border-left-color:#D55E00}
.ao .card.do{border-left-color:#009E73}
.ao .card.quiet{border-left-color:color-mix(in srgb,currentColor 35%,transparent)}
.ao .lead{font-size:1.06rem;font-weight:600}
.ao table{border-collapse:collapse;width:100%;font-size:.88rem;border:0;margin:0}
.ao th{text-align:left;font-weight:600;opacity:.75}
.ao th,.ao td{padding:.22rem .6rem .22rem 0;vertical-align:top;border:0;
 border-bottom:1px solid color-mix(in srgb,currentColor 14%,transparent)}
.ao td.n,.ao th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.ao td.w{overflow-wrap:break-word}
.ao td.w:last-child,.ao td code{overflow-wrap:anywhere}
.ao .nw{white-space:nowrap}
.ao code,.ao .log{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
 font-size:.8rem;background:transparent;color:inherit;padding:0}
.ao .log{border:1px solid color-mix(in srgb,currentColor 14%,transparent);border-radius:.3rem;
 margin:.2rem 0 .7rem;background:color-mix(in srgb,currentColor 4%,transparent);
 padding:.25rem 0;overflow-x:auto}
.ao .ln{display:flex;gap:.7rem;padding:.03rem .6rem}
.ao .ln .no{flex:0 0 3.2rem;text-align:right;opacity:.6;user-select:none;
 font-variant-numeric:tabular-nums}
.ao .ln .tx{white-space:pre-wrap;overflow-wrap:anywhere;flex:1}
.ao .ln.near{opacity:.68}
.ao .ln.hit{background:color-mix(in srgb,#E69F00 16%,transparent);
 box-shadow:inset .2rem 0 0 #E69F00}
.ao mark{background:#F0E442;color:#111;border-radius:.15rem;padding:0 .1rem;font-weight:600}
.ao ol,.ao ul{margin:.1rem 0 .4rem;padding-left:1.3rem}
.ao li{margin:.1rem 0;overflow-wrap:anywhere}
.ao .bar{display:inline-block;width:5.5rem;height:.55rem;border-radius:.3rem;margin-right:.4rem;
 background:color-mix(in srgb,currentColor 16%,transparent);overflow:hidden;vertical-align:middle}
.ao .bar>span{display:block;height:100%;background:#0072B2}
.ao .tiles{display:flex;flex-wrap:wrap;gap:.6rem}
.ao .tile{flex:1 1 7.5rem;border:1px solid color-mix(in srgb,currentColor 16%,transparent);
 border-radius:.35rem;padding:.45rem .7rem}
.ao .tile b{display:block;font-size:1.35rem;line-height:1.2;font-weight:650;
 font-variant-numeric:tabular-nums}
.ao .facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));
 gap:.35rem .9rem;font-size:.88rem;overflow-wrap:anywhere;padding:.2rem 0 .4rem}
.ao details{border-bottom:1px solid color-mix(in srgb,currentColor 14%,transparent);
 padding:.28rem 0}
.ao summary{cursor:pointer;overflow-wrap:anywhere}
.ao details>div{padding:.3rem 0 .3rem 1rem;overflow-wrap:anywhere}
.ao .chain{border-left:2px solid color-mix(in srgb,currentColor 25%,transparent);
 margin:.2rem 0 .2rem .4rem;padding-left:.9rem}
.ao .fact{margin:0 0 .5rem}
.ao .ok{color:#009E73;font-weight:600}
.ao .bad{color:#D55E00;font-weight:600}
</style>"""

MAX_LINE = 1_500
"""Characters of one record shown; the rest is one click away in its context."""


def text(untrusted: str) -> Markup:
    """Untrusted text as HTML text."""
    return escape(visible(untrusted))


def join(parts: Iterable[Markup]) -> Markup:
    """Pieces of HTML one after the other."""
    return Markup("").join(parts)


def block(*parts: Markup) -> str:
    """Pieces of HTML as one styled block for st.html."""
    return str(Markup('<div class="ao">{}</div>').format(join(parts)))


def chip(label: str) -> Markup:
    """A small framed word."""
    return Markup('<span class="chip">{}</span>').format(text(label))


def prose(untrusted: str) -> Markup:
    """A sentence; what stands in backticks looks like code."""
    parts = untrusted.split("`")
    if len(parts) % 2 == 0:  # a lone backtick means itself
        return text(untrusted)
    return join(
        Markup("<code>{}</code>").format(text(part)) if place % 2 else text(part)
        for place, part in enumerate(parts)
    )


def criticality_chip(criticality: str) -> Markup:
    """The criticality by shape, colour and word."""
    known = criticality if criticality in CRITICALITY_MARKS else "low"
    return Markup('<span class="chip c-{}">{} {}</span>').format(
        known, CRITICALITY_MARKS[known], text(criticality)
    )


def state_chip(state: str) -> Markup:
    """Open, acknowledged or resolved, with a sign."""
    signs = {"open": "◌", "acknowledged": "◐", "resolved": "✓"}
    return chip(f"{signs.get(state, '')} {words(state)}")


def confidence_bar(confidence: float | None) -> Markup:
    """A bar and the number beside it."""
    width = round(100 * min(max(confidence or 0, 0), 1))
    return Markup(
        '<span class="nw"><span class="bar"><span style="width:{}%"></span></span>{}</span>'
    ).format(width, percent(confidence))


def bullets(items: Iterable[str], *, ordered: bool = False) -> Markup:
    """A list of untrusted sentences."""
    inside = join(Markup("<li>{}</li>").format(prose(item)) for item in items)
    return (Markup("<ol>{}</ol>") if ordered else Markup("<ul>{}</ul>")).format(inside)


def table(
    headings: Iterable[str], rows: Iterable[Iterable[str | Markup]], numbers: Iterable[int] = ()
) -> Markup:
    """A table; plain strings are escaped, columns in `numbers` stand right."""
    right = set(numbers)
    head = _cells(Markup('<th class="{}">{}</th>'), headings, right)
    body = join(
        Markup("<tr>{}</tr>").format(_cells(Markup('<td class="{}">{}</td>'), row, right))
        for row in rows
    )
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)


def _cells(shape: Markup, row: Iterable[str | Markup], right: set[int]) -> Markup:
    return join(
        shape.format(
            "n" if place in right else "w", cell if isinstance(cell, Markup) else text(cell)
        )
        for place, cell in enumerate(row)
    )


def tile(label: str, value: str, note: str = "") -> Markup:
    """One number with its name."""
    return Markup(
        '<div class="tile"><span class="small dim">{}</span><b>{}</b>'
        '<span class="small dim">{}</span></div>'
    ).format(text(label), text(value), text(note))


def found(snippet: str, opening: str = "【", closing: str = "】") -> Markup:
    """A search hit's snippet; what stands between the signs is what was found."""
    parts: list[Markup] = []
    for piece in snippet.split(opening):
        inside, sign, rest = piece.partition(closing)
        parts += (
            [Markup("<mark>{}</mark>{}").format(text(inside), text(rest))]
            if sign
            else [text(piece)]
        )
    return join(parts)


def excerpt(original: str, terms: Sequence[str], width: int = 320) -> Markup:
    """A piece of a record around the first of the (case-folded) terms, each of them marked."""
    folded = original.casefold()
    places = [folded.find(term) for term in terms]
    first = min((place for place in places if place >= 0), default=0)
    start = max(0, min(first - width // 3, len(original) - width))
    piece = original[start : start + width]
    # Case folding may change lengths; then the piece is shown without marks rather than wrong ones.
    sound = len(folded) == len(original)
    quotes = [
        piece[at : at + len(term)]
        for term in terms
        if sound and (at := piece.casefold().find(term)) >= 0
    ]
    return Markup("{}{}{}").format(
        "… " if start else "",
        highlighted(piece, quotes),
        " …" if start + width < len(original) else "",
    )


def log_line(number: int, original: str, css: str = "near", quotes: Iterable[str] = ()) -> Markup:
    """One record's text as it stood in the source, the quoted spans marked."""
    return Markup(
        '<div class="ln {}"><span class="no">{}</span><span class="tx">{}</span></div>'
    ).format(css, number, highlighted(original, quotes))


def highlighted(original: str, quotes: Iterable[str]) -> Markup:
    """The text with every span that is quoted inside `mark`, cut to MAX_LINE around the first."""
    spans = sorted(
        (begin, begin + len(quote))
        for quote in quotes
        if quote and (begin := original.find(quote)) >= 0
    )
    start = 0
    if len(original) > MAX_LINE and spans:
        start = max(0, min(spans[0][0] - MAX_LINE // 4, len(original) - MAX_LINE))
    end = min(len(original), start + MAX_LINE)
    parts = [Markup('<span class="dim">… </span>')] if start else []
    place = start
    for first, last in spans:
        begin, stop = max(first, place), min(last, end)
        if begin >= stop:
            continue
        parts += [
            text(original[place:begin]),
            Markup("<mark>{}</mark>").format(text(original[begin:stop])),
        ]
        place = stop
    parts.append(text(original[place:end]))
    if end < len(original):
        rest = Markup('<span class="dim"> … {} more characters</span>')
        parts.append(rest.format(f"{len(original) - end:,}"))
    return join(parts)
