#!/usr/bin/env python3
"""The picture and the table of the crate's documentation. usage: plot.py RESULTS... > table.md

RESULTS are what growth.sh printed. Writes src/manual/costs.svg, and prints the table for src/manual/costs.md.
The last line counts where there are several of one command and size."""
import sys
from math import log10
from pathlib import Path

COMMANDS = {"check": "check", "send": "send", "resume of a half": "resume", "status BATCH": "status BATCH", "export": "export"}
COLORS = ["#1b6ca8", "#c8553d", "#588157", "#7b2d8b", "#b08900"]
SVG = Path(__file__).resolve().parents[2] / "src/manual/costs.svg"


def read(paths):
    """Rows of the list -> CPU seconds, seconds and megabytes, by command."""
    found = {name: {} for name in COMMANDS}
    for path in paths:
        for line in open(path, encoding="utf-8"):
            cells = line.rstrip("\n").split("\t")
            for name, command in COMMANDS.items():
                if cells[0] == command:
                    found[name][int(cells[1])] = tuple(float(cell) for cell in cells[2:5])
    return found


def short(rows):
    return f"{rows // 1_000_000} M" if rows >= 1_000_000 else f"{rows // 1000} k"


def cell(figures):
    cpu, _, memory = figures
    return f"{cpu:.2g} s, {memory:.0f} MB" if cpu < 10 else f"{cpu:.0f} s, {memory:.0f} MB"


def panel(found, column, low, high, left, title, unit):
    """One plot with logarithmic axes, 330 by 260."""
    sizes = sorted({rows for values in found.values() for rows in values})
    x = lambda rows: left + 50 + 250 * (log10(rows) - log10(sizes[0])) / (log10(sizes[-1]) - log10(sizes[0]))
    y = lambda value: 240 - 200 * (log10(max(value, low)) - log10(low)) / (log10(high) - log10(low))
    out = [f'<text x="{left + 50}" y="24" font-weight="bold">{title}</text>']
    value = low
    while value <= high * 1.01:
        out.append(f'<line x1="{left + 50}" x2="{left + 300}" y1="{y(value):.0f}" y2="{y(value):.0f}" stroke="#ddd"/>')
        out.append(f'<text x="{left + 44}" y="{y(value) + 4:.0f}" text-anchor="end">{value:g} {unit}</text>')
        value *= 10
    for rows in sizes:
        out.append(f'<text x="{x(rows):.0f}" y="258" text-anchor="middle">{short(rows)}</text>')
    for (name, values), color in zip(found.items(), COLORS):
        points = [(x(rows), y(values[rows][column])) for rows in sorted(values)]
        line = " ".join(f"{a:.0f},{b:.0f}" for a, b in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        out += [f'<circle cx="{a:.0f}" cy="{b:.0f}" r="3" fill="{color}"/>' for a, b in points]
    return out


def main():
    found = {name: values for name, values in read(sys.argv[1:]).items() if values}
    svg = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 290" font-family="sans-serif" font-size="11">',
           '<rect width="680" height="290" fill="white"/>',
           *panel(found, 0, 0.01, 10000, 0, "CPU seconds by rows of the list", "s"),
           *panel(found, 2, 10, 1000, 340, "memory at the most by rows of the list", "MB")]
    for i, (name, color) in enumerate(zip(found, COLORS)):
        svg.append(f'<text x="{50 + 125 * i}" y="282" fill="{color}">&#9679; {name}</text>')
    SVG.write_text("\n".join([*svg, "</svg>"]) + "\n")
    sizes = sorted({rows for values in found.values() for rows in values})
    print("| CPU seconds, memory | " + " | ".join(f"{short(rows)} rows" for rows in sizes) + " |")
    print("| --- |" + " --- |" * len(sizes))
    for name, values in found.items():
        cells = [cell(values[rows]) if rows in values else "not measured" for rows in sizes]
        print(f"| {name} | " + " | ".join(cells) + " |")


main()
