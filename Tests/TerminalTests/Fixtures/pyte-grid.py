"""Feeds streams to pyte and prints its grid: python pyte-grid.py < cases.json > screens.json

A case is {columns, rows, events} with the events of a recorded stream; each mark gives a screen.
"""
import base64
import copy
import json
import sys

import pyte
from wcwidth import wcwidth

NAMES = {"default": "-"}
for number, name in enumerate(["black", "red", "green", "brown", "blue", "magenta", "cyan", "white"]):
    NAMES[name] = pyte.graphics.FG_BG_256[number]
    NAMES["bright" + name] = pyte.graphics.FG_BG_256[number + 8]
NAMES["bfightmagenta"] = NAMES["brightmagenta"]  # pyte 0.8.2 spells it so


class Screen(pyte.Screen):
    """pyte with the deviations mended that docs/terminal.md lists, so that the comparison goes on behind them."""

    def select_graphic_rendition(self, *attributes, private=False):
        if not private:
            super().select_graphic_rendition(*attributes)

    def report_device_attributes(self, mode=0, **options):
        pass

    def report_device_status(self, mode, private=False):
        pass

    def draw(self, data):
        for character in data:
            if wcwidth(character) == 2 and self.cursor.x == self.columns - 1:
                self.buffer[self.cursor.y].pop(self.cursor.x, None)
                self.cursor.x = self.columns
            super().draw(character)

    def restore_cursor(self):
        kept = [saved._replace(cursor=copy.copy(saved.cursor)) for saved in self.savepoints[-1:]]
        super().restore_cursor()
        for saved in kept:
            self.cursor.y = min(saved.cursor.y, self.lines - 1)
            self.savepoints = [saved]

    def set_margins(self, top=None, bottom=None):
        if not top and not bottom:
            top, bottom = 1, self.lines
        super().set_margins(top, bottom or self.lines)

    def next_line(self):
        self.index()
        self.carriage_return()

    def cursor_up(self, count=None):
        self.in_last_column()
        top = self.margins.top if self.margins and self.cursor.y >= self.margins.top else 0
        self.cursor.y = max(self.cursor.y - (count or 1), top)

    def cursor_down(self, count=None):
        self.in_last_column()
        bottom = self.margins.bottom if self.margins and self.cursor.y <= self.margins.bottom else self.lines - 1
        self.cursor.y = min(self.cursor.y + (count or 1), bottom)

    def cursor_to_line(self, line=None):
        self.in_last_column()
        super().cursor_to_line(line)

    def index(self):
        self.in_last_column()
        super().index()

    def reverse_index(self):
        self.in_last_column()
        super().reverse_index()

    def in_last_column(self):
        self.cursor.x = min(self.cursor.x, self.columns - 1)

    def insert_characters(self, count=None):
        self.in_last_column()
        super().insert_characters(count)
        self.buffer[self.cursor.y].pop(self.columns, None)

    def delete_characters(self, count=None):
        self.in_last_column()
        super().delete_characters(count)

    def insert_lines(self, count=None):
        self.in_last_column()
        super().insert_lines(count)

    def delete_lines(self, count=None):
        self.in_last_column()
        for row in range(self.lines):
            self.buffer[row]  # makes the line, which deleting would pass over otherwise
        super().delete_lines(count)

    def erase_characters(self, count=None):
        self.in_last_column()
        super().erase_characters(count)

    def erase_in_line(self, how=0, private=False):
        if how:
            self.in_last_column()
        super().erase_in_line(how, private)

    def erase_in_display(self, how=0, *arguments, **options):
        if how:
            self.in_last_column()
        super().erase_in_display(how, *arguments, **options)

    def tab(self):
        if self.cursor.x < self.columns:
            super().tab()


class Stream(pyte.ByteStream):
    escape = {**pyte.ByteStream.escape, "E": "next_line"}
    events = pyte.ByteStream.events | {"next_line"}


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
    stream = Stream(screen)
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
