"""A run's report: pictures, and one page as Markdown and as self-contained HTML.

All of it is made from the document of numbers and the page of tables, so that it can
be made again from files.
"""

import base64
import html
import json
from collections.abc import Mapping
from typing import NamedTuple

from markdown_it import MarkdownIt

from anymo_jax.evaluation import pictures
from anymo_jax.evaluation.spoken_tables import radar_shares
from anymo_jax.evaluation.zero_shot import CHANCE, MODEL

FOLDER = "pictures"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto;
       padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0; display: block; overflow-x: auto }
th, td { border-bottom: 1px solid #ddd; padding: .25em .7em; white-space: nowrap }
th { text-align: left; background: #f5f5f5 }
img { max-width: 100% }
pre { background: #f7f7f7; padding: 1em; max-height: 24em; overflow: auto;
      font-size: 12px }
code { overflow-wrap: anywhere }
"""


class Report(NamedTuple):
    """What is to be written.

    Attributes:
      markdown: with pictures linked from `FOLDER`.
      html: with pictures inlined; it needs no other file.
      pictures: PNG bytes by file name.
    """

    markdown: str
    html: str
    pictures: Mapping[str, bytes]


def report(document: Mapping, details: Mapping, page: str) -> Report:
    """A run's report.

    Args:
      document: every number, as `experiments.evaluate.score` gives it; what it has not
        (no motion, no codes) is not drawn.
      details: the long rows of numbers beside it.
      page: tables as Markdown.
    """
    drawn = _draw(document, details)
    title = f"Evaluation of {document.get('run', 'a run')}"
    parts = [f"# {title}", _summary(document), _picture_page(drawn), page.strip()]
    parts += [_codes_table(document.get("insight", {}).get("codes", {}))]
    parts += ["## Where the figures come from", _facts_table(document)]
    parts += _blocks(document)
    markdown = "\n\n".join(part for part in parts if part) + "\n"
    files = {name: data for name, (_, data) in drawn.items()}
    return Report(markdown, _html(title, markdown, files), files)


def _draw(document: Mapping, details: Mapping) -> dict[str, tuple[str, bytes]]:
    """Caption and bytes of each picture, by file name."""
    drawn = {"radar.png": ("Capabilities (Figure 1)", _radar(document))}
    for name, found in document["datasets"].items():
        picture = pictures.confusion_picture(name, found["classes"], found["confusion"])
        drawn[f"confusion_{name}.png"] = (f"Confusions on {name}", picture)
    for name, cloud in details.get("clouds", {}).items():
        classes = document["datasets"][name]["classes"]
        caption = f"Real windows of {name} and simulated ones (Figure 6; by PCA)"
        picture = pictures.cloud_picture(name, classes, cloud)
        drawn[f"embedding_{name}.png"] = (caption, picture)
    if details.get("codes"):
        picture = pictures.codes_picture(details["codes"])
        drawn["codes.png"] = ("How often each code is chosen", picture)
    return drawn


def _radar(document: Mapping) -> bytes:
    """Zero-shot averages, retrieval and captions, with chance where it has a row."""
    named = {
        "accuracy": "zero-shot accuracy",
        "f1_occurring": "zero-shot F1",
        "recall_at_2": "zero-shot R@2",
    }
    series = {}
    for row in (MODEL, CHANCE):
        found = document["average"][row]
        series[row] = {title: found[key]["value"] for key, title in named.items()}
    if spoken := document.get("spoken"):
        series[MODEL] |= radar_shares(spoken)
        series[CHANCE] |= radar_shares(spoken, chance=True)
    return pictures.radar_picture(series)


def _summary(document: Mapping) -> str:
    found = document["average"][MODEL]
    names = ", ".join(document["datasets"])
    figures = (
        f"{title} {100 * found[key]['value']:.1f}"
        for key, title in (
            ("accuracy", "accuracy"),
            ("f1_occurring", "macro-F1"),
            ("recall_at_2", "R@2"),
        )
    )
    return (
        f"Zero-shot on {names}: {', '.join(figures)} per cent. Evaluated in "
        f"{document['seconds']:.0f} seconds."
    )


def _picture_page(drawn: Mapping[str, tuple[str, bytes]]) -> str:
    shown = [f"![{caption}]({FOLDER}/{name})" for name, (caption, _) in drawn.items()]
    return "\n\n".join(["## Pictures", *shown])


def _codes_table(codes: Mapping[str, Mapping]) -> str:
    """Table 6's figures of each codebook on each source."""
    if not codes:
        return ""
    lines = ["| source | windows | codebook | used | dead % | perplexity | top-10 % |"]
    lines.append("|---|" + "---:|" * 6)
    for name, use in codes.items():
        for number, book in enumerate(use["codebooks"]):
            lines.append(
                f"| {name} | {use['windows']} | {number} | {book['used']} | "
                f"{100 * book['dead']:.1f} | {book['perplexity']:.1f} | "
                f"{100 * book['top10']:.1f} |"
            )
    return "\n\n".join(["## Use of the codebooks", "\n".join(lines)])


def _facts_table(document: Mapping) -> str:
    facts = document["facts"]
    hardware = facts["hardware"]
    rows = {
        "anymo_jax": facts["anymo_jax"],
        "revision": facts["revision"],
        "Python": facts["python"],
        "system": hardware["system"],
        "processor": f"{hardware['processor']}, {hardware['cores']} cores",
        "memory": f"{hardware['memory_gb']} GB",
        "devices": ", ".join(hardware["devices"]),
        "seconds": f"{document['seconds']:.1f}",
        **facts["packages"],
        **{f"file of {k}": f"sha256 {v}" for k, v in document["files"].items()},
    }
    return "\n".join(
        ["|  |  |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())]
    )


def _blocks(document: Mapping) -> list[str]:
    """Configuration and data cards as they are."""
    parts = []
    for title, value in (
        ("Options", document["options"]),
        ("Configuration of the run", document.get("config")),
        *((f"Data card: {n}", card) for n, card in document.get("cards", {}).items()),
    ):
        if value:
            text = json.dumps(value, indent=1, default=str)
            parts += [f"### {title}", f"```json\n{text}\n```"]
    return parts


def _html(title: str, markdown: str, files: Mapping[str, bytes]) -> str:
    # What a caption or a card says is text, never markup.
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    for name, data in files.items():
        inlined = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        body = body.replace(f'src="{FOLDER}/{name}"', f'src="{inlined}"')
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}</body></html>\n"
    )
