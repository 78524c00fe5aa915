"""The screens that xterm-grid.js prints, from xterm.js in a real Chromium.

    python xterm-chromium.py path/to/xterm.js path/to/widths.ts < cases.json > screens.json
"""

import json
import os
import pathlib
import sys

from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"])
    page = browser.new_page()
    page.set_default_timeout(0)
    page.add_script_tag(path=sys.argv[1])
    page.add_script_tag(path=pathlib.Path(__file__).with_name("xterm-grid.js"))
    widths = pathlib.Path(sys.argv[2]).read_text()
    # A case at a time: a whole run would be one message of hundreds of megabytes.
    screens = [page.evaluate("([test, widths]) => screensOf([test], widths)", [test, widths])[0]
               for test in json.load(sys.stdin)]
    browser.close()
json.dump(screens, sys.stdout)
