"""What was measured: a table in Markdown, figures in JSON, a picture in SVG."""

import html
import statistics

import clients

COLOURS = {"Kelisim": "#0f766e", "nginx": "#64748b", "HAProxy": "#94a3b8", "HAProxy, TCP": "#cbd5e1", "h2o": "#b6bccd", "workerd": "#d9c2a7"}


def middle(values):
    return statistics.median(values)


def spread(values):
    """Half of how far the middle half of the runs lies apart, in per cent of the median."""
    if len(values) < 4:
        return 0
    quarters = statistics.quantiles(values, n=4)
    return (quarters[2] - quarters[0]) / 2 / middle(values) * 100 if middle(values) else 0


def ratio(line):
    """The gateway's cost as a part of the peer's: the median of the rounds' own ratios, as rounds are pairs."""
    ours, theirs = line.results["Kelisim"], line.results.get(line.peer)
    if not theirs or (line.target is None and line.at_most is not None and line.unit == "KiB"):
        return None
    return middle([a / b for a, b in zip(ours, theirs) if b])


def verdict(line):
    ours = middle(line.results["Kelisim"])
    if line.at_most is not None:
        return f"≤ {line.at_most:g} {line.unit}", ours <= line.at_most
    if line.target is not None:
        return f"≤ {line.target:.2f} × {line.peer}", round(ratio(line), 2) <= line.target
    return "–", None


def number(value, unit):
    if unit == "×":
        return f"{value:.2f}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def markdown(lines, told, rounds, seconds, versions):
    names = []
    for line in lines:
        names += [name for name in line.results if name not in names]
    rows = [
        f"# Beside others, {told['date']}",
        "",
        f"`{told['command']}` at {told['commit']}, {told['machine']}. Medians of {rounds} rounds of {seconds:g} s in which everybody has",
        "their turn, ± half the distance of the quartiles. Processor time of the proxy's process tree for each request, one worker on a",
        "core of its own, all of them logging, with a browser's fields and cookies; the ratio is the median of the rounds' own.",
        "",
        "| work | " + " | ".join(names) + " | ratio | target | |",
        "|---|" + "---|" * (len(names) + 3),
    ]
    for line in lines:
        cells = []
        for name in names:
            values = line.results.get(name)
            cells.append(f"{number(middle(values), line.unit)} ± {spread(values):.0f} %" if values else "")
        part, (target, met) = ratio(line), verdict(line)
        cells += [f"{part:.2f}" if part is not None else "", target, {True: "met", False: "**missed**", None: ""}[met]]
        rows.append(f"| {line.name}, {line.unit} | " + " | ".join(cells) + " |")
    rows.append("")
    rows += [f"- {line.name}: {line.note}" for line in lines if line.note]
    for line in lines:
        for name, values in getattr(line, "tails", {}).items():
            rows.append(f"- {line.name}: p99 of {name}, the site's own work in it, {middle(values):.0f} µs")
    rows += ["", "; ".join(f"{name} {version}" for name, version in versions.items()) + "."]
    return "\n".join(rows) + "\n"


def figures(lines, told, rounds, seconds, versions):
    return clients.pretty({
        **told, "rounds": rounds, "seconds": seconds, "versions": versions,
        "lines": [
            {"work": line.name, "unit": line.unit, "peer": line.peer, "target": line.target, "at_most": line.at_most, "ratio": ratio(line),
             "results": line.results, "note": line.note}
            for line in lines
        ],
    }) + "\n"


def picture(lines, told):
    """A bar for everybody in each line, as a part of the peer's cost."""
    drawn = [line for line in lines if line.peer in line.results and line.unit == "µs" and line.target is not None]
    width, label, bar, gap = 860, 110, 16, 18
    height = 56 + sum(20 + len(line.results) * (bar + 3) + gap for line in drawn)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12">',
        "<style>text{fill:#0b1a26}rect.ground{fill:#fff}line{stroke:#0b1a26}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect.ground{fill:#0d1720}line{stroke:#e6edf3}}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        f'<text x="12" y="24" font-size="15" font-weight="600">Processor time per request, as a part of the peer’s ({html.escape(told["date"])})</text>',
    ]
    y = 48
    for line in drawn:
        peer = middle(line.results[line.peer])
        scale = (width - label - 130) / max(1.6, min(2.4, max(middle(v) / peer for v in line.results.values())))
        out.append(f'<text x="12" y="{y + 12}" font-weight="600">{html.escape(line.name)}</text>')
        y += 20
        top = y
        for name, values in line.results.items():
            cost = middle(values)
            long = min(cost / peer * scale, width - label - 130)
            out.append(f'<text x="{label - 8}" y="{y + 12}" text-anchor="end">{html.escape(name)}</text>')
            out.append(f'<rect x="{label}" y="{y}" width="{long:.1f}" height="{bar}" rx="2" fill="{COLOURS.get(name, "#888")}"/>')
            cut = " …" if long < cost / peer * scale else ""
            out.append(f'<text x="{label + long + 6:.1f}" y="{y + 12}">{cut}{number(cost, line.unit)} {line.unit} ({cost / peer:.2f})</text>')
            y += bar + 3
        at = label + line.target * scale
        out.append(f'<line x1="{at:.1f}" y1="{top - 3}" x2="{at:.1f}" y2="{y}" stroke-dasharray="3 3"/>')
        y += gap
    out.append("</svg>")
    return "\n".join(out) + "\n"
