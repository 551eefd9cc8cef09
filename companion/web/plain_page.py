"""A page of plain HTML for messages outside the app's own pages.

No file, no app: it must work for an unknown browser, and when a page of the app has failed. The
only script is that of a page which is tried again; without scripts the browser loads it anew. Its
look follows static/app.css.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape

from companion.assets import static_dir

NAME = "Calendar Companion"

_STYLE = """
:root{color-scheme:light dark;--ground:#f3f6f7;--card:#fff;--ink:#17262e;--soft:#4d626d;
--line:#dbe4e8;--edge:#6f8791;--brand:#0b6670;--on-brand:#fff;--bad:#a3282f}
@media(prefers-color-scheme:dark){:root{--ground:#0f171b;--card:#172228;--ink:#e7eff2;--soft:#a7bac3;
--line:#2a3a42;--edge:#7c929d;--brand:#6cc5cd;--on-brand:#06262a;--bad:#ff9f9f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;
background:var(--ground);color:var(--ink);
font:16px/1.6 -apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:34rem;background:var(--card);border:1px solid var(--line);border-radius:16px;
padding:32px}
h1{font-size:1.4rem;line-height:1.3;margin:0 0 12px}
p{margin:0 0 12px;color:var(--soft)}
a{color:var(--brand);font-weight:600}
a:focus-visible{outline:3px solid var(--brand);outline-offset:3px;border-radius:4px}
code{font:0.95em ui-monospace,Consolas,monospace;color:var(--ink)}
small{color:var(--soft)}
form{display:grid;gap:16px;margin:16px 0}
form div{display:grid;gap:4px}
label{font-weight:600}
input,select{width:100%;min-height:44px;padding:8px 12px;border:1px solid var(--edge);
border-radius:10px;background:var(--card);color:var(--ink);font:inherit}
form .tick{grid-template-columns:auto 1fr;gap:0 12px;align-items:center}
form .tick span{grid-column:2}
input[type=checkbox]{width:24px;min-height:24px;margin:10px 0;accent-color:var(--brand)}
input[aria-invalid]{border-color:var(--bad)}
form span,.ways span{display:block;color:var(--soft);font-size:.9rem}
.bad,form .bad{color:var(--bad)}
.step{font-size:.9rem;margin:0 0 4px}
button{justify-self:start;min-height:44px;padding:8px 20px;border:0;border-radius:10px;
background:var(--brand);color:var(--on-brand);font:inherit;font-weight:600;cursor:pointer}
input:focus-visible,select:focus-visible,button:focus-visible{outline:3px solid var(--brand);
outline-offset:2px}
.ways{display:grid;gap:12px;margin:16px 0;padding:0;list-style:none}
.ways a{display:inline-flex;align-items:center;min-height:44px}
.choice{position:relative;padding:4px 16px 12px;border:1px solid var(--edge);border-radius:12px}
.choice:hover{border-color:var(--brand)}
.choice a::after{content:"";position:absolute;inset:0;border-radius:12px}
main>:last-child,main>p:has(+noscript){margin-bottom:0}
.brand{display:flex;align-items:center;gap:12px;margin:0 0 20px;font-weight:600;color:var(--ink)}
.brand svg{width:36px;height:36px;flex:none}
.acts{display:flex;flex-wrap:wrap;gap:12px;margin:20px 0 0}
.acts a{display:inline-flex;align-items:center;min-height:44px;padding:8px 20px;
border:1px solid var(--edge);border-radius:10px;text-decoration:none}
.acts a:first-child{border-color:transparent;background:var(--brand);color:var(--on-brand)}
form .secret{grid-template-columns:1fr auto;gap:4px 8px}
form .secret>:not(input,button){grid-column:1/-1}
form .secret button{background:none;color:var(--brand);border:1px solid var(--edge);min-width:76px}
"""
_AGAIN = """setInterval(async () => {
  const address = new URL(location.href);
  address.searchParams.delete("launch");
  try {
    if ((await fetch(address, { cache: "no-store" })).status !== 503) location.reload();
  } catch {}
}, %d);"""


@cache
def _logo() -> str:
    """Within the page: what is not known to the app, or not served by it, can load no file."""
    drawing = (static_dir() / "icon.svg").read_text("utf-8")
    return drawing.replace("<svg", '<svg aria-hidden="true"', 1)


def plain_page(
    title: str,
    *paragraphs: str,
    links: Sequence[tuple[str, str]] = (),
    go_to: str = "",
    after_seconds: int = 2,
    again: str = "",
    note: str = "",
    practice: str = "",
) -> str:
    """The page as HTML. All texts are escaped; `links` are (address, words), of which the first is
    what one would press; `practice` is named only where the browser is known.

    `go_to`: an address of ours that the browser opens by itself after a moment. `again`: that of
    the page which this one stands in for: it is opened once it does not answer 503 any more, looked
    at every `after_seconds`."""
    refresh = f"{after_seconds};url={go_to}" if go_to else ""
    body = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    acts = "".join(f'<a href="{escape(to)}">{escape(words)}</a>' for to, words in links)
    if acts:
        body += f'<p class="acts">{acts}</p>'
    if again:
        refresh_anew = f"{after_seconds};url={again}"
        meta = f'<meta http-equiv="refresh" content="{escape(refresh_anew)}">'
        body += f"<noscript>{meta}</noscript>{again_script(after_seconds)}"
    if note:
        body += f"<small>{escape(note)}</small>"
    page = f"<h1>{escape(title)}</h1>{body}"
    return plain_page_of(title, page, refresh=refresh, practice=practice)


def again_script(after_seconds: int) -> str:
    """Opens the page's own address once it does not answer 503 any more."""
    return f"<script>{_AGAIN % (after_seconds * 1000)}</script>"


def plain_page_of(title: str, body: str, *, refresh: str = "", practice: str = "") -> str:
    """The frame around `body`, which is HTML already; `refresh` is a meta refresh's content."""
    again = f'<meta http-equiv="refresh" content="{escape(refresh)}">' if refresh else ""
    return (
        '<!doctype html><html lang="en-AU"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/static/icon.svg">'
        f"{again}<title>{escape(title)} – Calendar Companion</title>"
        f"<style>{_STYLE}</style></head>"
        f'<body><main><p class="brand">{_logo()}<span>{escape(practice or NAME)}</span></p>'
        f"{body}</main></body></html>"
    )
