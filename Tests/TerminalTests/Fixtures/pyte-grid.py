"""Feeds streams to pyte and prints its grid: python pyte-grid.py < cases.json > screens.json

A case is {columns, rows, events} with the events of a recorded stream; each mark gives a screen.
"""
import base64
import json
import sys

import pyte

NAMES = {"default": "-"}
for number, name in enumerate(["black", "red", "green", "brown", "blue", "magenta", "cyan", "white"]):
    NAMES[name] = pyte.graphics.FG_BG_256[number]
    NAMES["bright" + name] = pyte.graphics.FG_BG_256[number + 8]
NAMES["bfightmagenta"] = NAMES["brightmagenta"]  # pyte 0.8.2 spells it so


class Screen(pyte.Screen):
    """pyte 0.8.2 fails on private forms that it does not know, such as CSI > 4 ; 2 m."""

    def select_graphic_rendition(self, *attributes, private=False):
        if not private:
            super().select_graphic_rendition(*attributes)

    def report_device_attributes(self, mode=0, **options):
        pass

    def report_device_status(self, mode, private=False):
        pass


def cell_text(cell) -> str:
    if cell.data == "":
        return ""
    flags = [
        name for name, is_set in (
            ("Bold", cell.bold), ("Italic", cell.italics), ("Blink", cell.blink), ("Inverse", cell.reverse),
            ("Strikethrough", cell.strikethrough), ("Underline", cell.underscore)) if is_set]
    return " ".join([cell.data if cell.data != " " else "\u00b7", NAMES.get(cell.fg, cell.fg), NAMES.get(cell.bg, cell.bg), "+".join(flags)])


def grid(screen):
    return {
        "lines": [[cell_text(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)],
        "row": screen.cursor.y,
        "column": min(screen.cursor.x, screen.columns - 1),
    }


def run(case):
    screen = Screen(case["columns"], case["rows"])
    stream = pyte.ByteStream(screen)
    screens = []
    for event in case["events"]:
        if event[0] == "o":
            stream.feed(base64.b64decode(event[1]))
        elif event[0] == "r":
            screen.resize(event[2], event[1])
        else:
            screens.append(grid(screen))
    return screens


json.dump([run(case) for case in json.load(sys.stdin)], sys.stdout)
