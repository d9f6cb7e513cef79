"""Retrieval and captions as Markdown, in the columns of Tables 2 and 3, and as JSON."""

from collections.abc import Iterable, Mapping, Sequence

from anymo_jax.evaluation.retrieval import WAYS
from anymo_jax.evaluation.spoken import CAPTION_TOKENS, Spoken

FIGURES = ("r1", "r5", "r10", "mrr")
_HEADS = ("R@1", "R@5", "R@10", "MRR")
_NOTE = (
    "Per cent. Any window with the query's text counts as right; ties are misses. A "
    "pool's figure is the mean over {draws} pools drawn without replacement, with the "
    "middle 95 per cent of the pools in brackets; chance orders candidates at random."
)
_CAPTIONS = (
    "Greedy, {tokens} tokens at most, against the window's primary text; per cent. "
    "Shuffled: the same captions against texts of other windows."
)
SHOWN = 8


def spoken_markdown(found: Sequence[Spoken]) -> str:
    """Both tables, what could not be computed, and some captions."""
    page = ["## Retrieval", _NOTE.format(draws=found[0].retrieval.draws)]
    page += [_retrieval(one) for one in found]
    captioned = [one for one in found if one.captions]
    if captioned:
        page += ["## Captions", _CAPTIONS.format(tokens=CAPTION_TOKENS)]
        page += [_caption_table(captioned), _variants(captioned[0])]
        page += [_examples(one) for one in captioned]
    return "\n\n".join(page) + "\n"


def spoken_json(found: Sequence[Spoken]) -> dict:
    """Every number, by kind and setup."""
    made: dict[str, dict] = {}
    for one in found:
        r = one.retrieval
        made.setdefault(one.kind, {})[one.setup] = {
            "untold": one.untold,
            "retrieval": {
                "windows": r.windows,
                "distinct_texts": r.distinct,
                "all": dict(r.full),
                "chance_all": dict(r.chance_full),
                "pool": r.size,
                "draws": r.draws,
                "in_pools": dict(r.pools),
                "spread": {name: list(limits) for name, limits in r.spread.items()},
                "distinct_texts_in_pool": r.distinct_in_pool,
                "chance_in_pool": dict(r.chance),
            },
            "captions": {
                "windows": len(one.said),
                "figures": _figures(one.captions),
                "shuffled": _figures(one.shuffled),
                "said": [{"text": t, "caption": c} for t, c in one.said],
            },
        }
    return made


def _figures(figures) -> dict:
    return {
        f.name: {"value": f.value, "variant": f.variant, "missing": f.missing}
        for f in figures
    }


def _retrieval(one: Spoken) -> str:
    r = one.retrieval
    title = f"### {one.kind}, {one.setup}"
    facts = (
        f"{r.windows} windows with {r.distinct} distinct texts; a pool of {r.size} has "
        f"{r.distinct_in_pool:.1f} on average."
    )
    if one.untold:
        facts += f" {one.untold} windows without a text are left out."
    groups = (f"{r.size} samples", f"all {r.windows}")
    lines = [_line(["", *(f"{g}: {h}" for g in groups for h in _HEADS)]), _rule(8)]
    for way in WAYS:
        cells = []
        for name in FIGURES:
            low, high = r.spread[f"{way}/{name}"]
            value = r.pools[f"{way}/{name}"]
            cells.append(f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]")
        cells += [_per_cent(r.full[f"{way}/{name}"]) for name in FIGURES]
        lines.append(_line([way.replace("_", " "), *cells]))
    chance = [r.chance[name] for name in FIGURES]
    chance += [r.chance_full[name] for name in FIGURES]
    lines.append(_line(["chance", *map(_per_cent, chance)]))
    return "\n\n".join([title, facts, "\n".join(lines)])


def _caption_table(found: Sequence[Spoken]) -> str:
    names = [f.name for f in found[0].captions]
    lines = [_line(["", "captions", *names]), _rule(1 + len(names))]
    for one in found:
        for mark, figures in (("", one.captions), (", shuffled", one.shuffled)):
            cells = ["-" if f.value is None else _per_cent(f.value) for f in figures]
            name = f"{one.kind}, {one.setup}{mark}"
            lines.append(_line([name, str(len(one.said)), *cells]))
    return "\n".join(lines)


def _variants(one: Spoken) -> str:
    """Each metric's exact variant, or why it is missing and what to do."""
    return "\n".join(
        f"- {f.name}: {f.variant if f.value is not None else f'missing: {f.missing}'}"
        for f in one.captions
    )


def _examples(one: Spoken) -> str:
    lines = [_line([f"text ({one.kind}, {one.setup})", "caption"]), "|---|---|"]
    lines += [_line([text, said]) for text, said in one.said[:SHOWN]]
    return "\n".join(lines)


def _per_cent(share: float) -> str:
    return f"{100 * share:.1f}"


def _line(cells: Iterable[str]) -> str:
    clean = (" ".join(cell.replace("|", "/").split()) for cell in cells)
    return f"| {' | '.join(clean)} |"


def _rule(columns: int) -> str:
    return "|---|" + "---:|" * columns


def radar_shares(spoken: Mapping, *, chance: bool = False) -> dict[str, float]:
    """Axes of Figure 1 that are told of held-out motion, by name.

    Means over kinds of motion at 1 to 5 nodes.

    Args:
      spoken: of `spoken_json`.
      chance: of a random order, and of captions against texts of other windows.
    """
    axes: dict[str, list[float]] = {}
    for one in (setups["1 to 5 nodes"] for setups in spoken.values()):
        found, said = one["retrieval"], one["captions"]
        for way in WAYS:
            mrr = found["in_pools"][f"{way}/mrr"]
            value = found["chance_in_pool"]["mrr"] if chance else mrr
            axes.setdefault(f"{way.replace('_', ' ')} MRR", []).append(value)
        figures = said["shuffled" if chance else "figures"]
        for name in _RADAR:
            if figures and figures[name]["value"] is not None:
                axes.setdefault(name, []).append(figures[name]["value"])
    return {name: sum(values) / len(values) for name, values in axes.items()}


_RADAR = ("BLEU-1", "ROUGE-L", "METEOR", "BERTScore-F1")
