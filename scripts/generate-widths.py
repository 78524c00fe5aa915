#!/usr/bin/env python3
"""Writes the one width table of terminal cells, for the server (Swift) and for the page (TypeScript).

    python3 scripts/generate-widths.py            writes both files
    python3 scripts/generate-widths.py --check    fails when a file differs from what would be written

The rule is that of wcwidth(3) as glibc and xterm know it, because the programs on the hosts count with it:
- 2 columns: East Asian Width W or F (UAX #11; every code point with Emoji_Presentation is W by definition),
- 0 columns: nonspacing and enclosing marks, format characters (ZWJ, variation selectors, tags, direction marks), the
  vowels and final consonants of Hangul Jamo (they join the syllable's first letter), line and paragraph separators,
- 1 column: everything else, East Asian Ambiguous included.
Visible format characters (soft hyphen, Arabic number signs) take a column.
--check only compares when this Python knows the same Unicode version as the files.
"""
import pathlib
import re
import sys
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parent.parent
SWIFT = ROOT / "Sources/Terminal/WidthTable.swift"
TYPESCRIPT = ROOT / "Web/src/terminal/widths.ts"

VISIBLE_FORMAT = {0xAD, *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
# Blocks that are wide as a whole, unassigned code points included (UAX #11, section 5.3).
WIDE_BLOCKS = [(0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FFFD), (0x30000, 0x3FFFD)]


def width(code: int) -> int:
    character = chr(code)
    category = unicodedata.category(character)
    if code in VISIBLE_FORMAT:
        return 1
    if category in ("Mn", "Me", "Cf", "Zl", "Zp"):
        return 0
    if 0x1160 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FF:
        return 0
    if any(first <= code <= last for first, last in WIDE_BLOCKS):
        return 2
    if category != "Cn" and unicodedata.east_asian_width(character) in "WF":
        return 2
    return 1


def ranges(wanted: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for code in range(0xA0, 0x110000):
        if 0xD800 <= code <= 0xDFFF or width(code) != wanted:
            continue
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return found


def rows(pairs: list[tuple[int, int]], indent: str) -> str:
    texts = [f"0x{first:04X}, 0x{last:04X}," for first, last in pairs]
    lines, line = [], indent
    for text in texts:
        if len(line) + len(text) + 1 > 116:
            lines.append(line.rstrip())
            line = indent
        line += text + " "
    return "\n".join(lines + [line.rstrip()])


def swift(zero, wide) -> str:
    return f"""// Made by scripts/generate-widths.py from Unicode {unicodedata.unidata_version}; do not edit.

/// The columns that code points take, as sorted pairs of first and last; everything else takes one column.
enum WidthTable {{
    static let zero: [UInt32] = [
{rows(zero, "        ")}
    ]

    static let wide: [UInt32] = [
{rows(wide, "        ")}
    ]
}}
"""


def typescript(zero, wide) -> str:
    return f"""// Made by scripts/generate-widths.py from Unicode {unicodedata.unidata_version}; do not edit.
// The server's screen uses the same ranges, so that both sides agree on every column.

// prettier-ignore
const ZERO: readonly number[] = [
{rows(zero, "  ")}
];

// prettier-ignore
const WIDE: readonly number[] = [
{rows(wide, "  ")}
];

function contains(pairs: readonly number[], cp: number): boolean {{
  let low = 0;
  let high = pairs.length / 2 - 1;
  while (low <= high) {{
    const middle = (low + high) >> 1;
    if (cp < (pairs[2 * middle] ?? 0)) high = middle - 1;
    else if (cp > (pairs[2 * middle + 1] ?? 0)) low = middle + 1;
    else return true;
  }}
  return false;
}}

/** The columns that a code point takes: 0 joins the cell before it (marks, ZWJ, variation selectors). */
export function codePointWidth(cp: number): 0 | 1 | 2 {{
  if (cp < 0x300) return 1;
  if (contains(WIDE, cp)) return 2;
  return contains(ZERO, cp) ? 0 : 1;
}}

/**
 * xterm.js' `charProperties` for a Unicode provider (bits: 0 joins, 1-2 width, 3-26 state). A code point without
 * columns of its own always joins the cell before the cursor, also after a colour change.
 */
export function characterProperties(cp: number, preceding: number): number {{
  const width = codePointWidth(cp);
  if (width !== 0) return width << 1;
  return (((preceding >> 1) & 3) << 1) | 1;
}}
"""


def main() -> int:
    zero, wide = ranges(0), ranges(2)
    outputs = {SWIFT: swift(zero, wide), TYPESCRIPT: typescript(zero, wide)}
    if "--check" in sys.argv[1:]:
        for path, text in outputs.items():
            present = path.read_text()
            version = re.search(r"from Unicode ([0-9.]+);", present)
            if version and version.group(1) != unicodedata.unidata_version:
                print(f"{path.name}: made from Unicode {version.group(1)}, this Python knows {unicodedata.unidata_version}; not compared")
            elif present != text:
                print(f"{path} is out of date: run scripts/generate-widths.py", file=sys.stderr)
                return 1
        return 0
    for path, text in outputs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
