"""A bar chart as an SVG file: each row's ratio to Linux, on a logarithmic scale."""
import math
from xml.sax.saxutils import escape

ROW, BAR, LABEL, PLOT, TOP = 18, 12, 380, 420, 30
LOW, HIGH = 1 / 64, 4
MARKS = 1 / 64, 1 / 16, 1 / 4, 1 / 2, 1, 2, 4
BETTER, WORSE = '#2f7d4f', '#b5532a'


def place(ratio):
    """Where a ratio lies, from the left edge."""
    share = (math.log(min(max(ratio, LOW), HIGH)) - math.log(LOW)) / (math.log(HIGH) - math.log(LOW))
    return LABEL + share * PLOT


def mark_text(mark):
    return f'{mark:g}' if mark >= 1 else f'1/{1 / mark:g}'


def draw(path, rows):
    """rows: (what it shows, UX/RT divided by Linux)."""
    height = TOP + len(rows) * ROW + 10
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABEL + PLOT + 60}" height="{height}" font-family="sans-serif" font-size="11">',
             f'<rect width="100%" height="100%" fill="white"/>',
             f'<text x="4" y="14" font-weight="bold">UX/RT divided by Linux, best configuration: shorter than the line at 1 is better</text>']
    for mark in MARKS:
        x = place(mark)
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 2}" y2="{height - 10}" stroke="{"#444" if mark == 1 else "#ddd"}"/>')
        lines.append(f'<text x="{x:.1f}" y="{TOP - 5}" text-anchor="middle" fill="#666">{mark_text(mark)}</text>')
    for i, (shows, ratio) in enumerate(rows):
        y, end = TOP + i * ROW, place(ratio)
        lines.append(f'<text x="{LABEL - 6}" y="{y + 13}" text-anchor="end">{escape(shows)}</text>')
        lines.append(f'<rect x="{LABEL}" y="{y + 3}" width="{end - LABEL:.1f}" height="{BAR}" fill="{BETTER if ratio <= 1 else WORSE}"/>')
        lines.append(f'<text x="{end + 4:.1f}" y="{y + 13}">{ratio:.2f}</text>')
    with open(path, 'w') as f:
        f.write('\n'.join(lines + ['</svg>', '']))
