"""Takes xterm.js out of the pinned wheels, checks each file against vendored.sha256, and writes node_modules.

Usage: extract.py WHEELS_FOLDER NODE_MODULES_FOLDER VENDORED_SHA256
"""

import hashlib
import pathlib
import re
import sys
import zipfile

COMPONENTS = "spyder_terminal/server/static/components/@xterm/"
WANTED = ("xterm", "addon-search", "addon-web-links")


def one(paths, what):
    found = list(paths)
    if len(found) != 1:
        sys.exit(f"expected exactly one {what}, found {len(found)}")
    return found[0]


def core_files(wheel):
    """The untouched upstream files of the terminal and the add-ons that the page uses."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            relative = name[len(COMPONENTS):] if name.startswith(COMPONENTS) else ""
            if relative.split("/")[0] in WANTED and not name.endswith("/"):
                yield "@xterm/" + relative, archive.read(name)


def webgl_module(wheel):
    """The WebGL renderer is one chunk of a bundler: unwrap it into a CommonJS module.

    The chunk registers {id(module, exports, require){…}}; its only import is a stand-in for Node's `process`,
    which the renderer reads to find out whether it runs in a browser. An empty object says that it does.
    """
    marker = b"r.WebglAddon="
    with zipfile.ZipFile(wheel) as archive:
        chunks = [n for n in archive.namelist() if re.fullmatch(r"jupyterlab/static/\d+\.[0-9a-f]+\.js", n)]
        name = one((n for n in chunks if marker in archive.read(n)), "chunk with the WebGL renderer")
        text = archive.read(name).decode("utf-8")
    match = re.fullmatch(r"\(self\.(\w+)=self\.\1\|\|\[\]\)\.push\(\[\[\d+\],(\{(\d+)\(.*\})\]\);?\s*", text, re.S)
    if not match:
        sys.exit(f"{name} has another shape than expected")
    body, module_id = match.group(2), match.group(3)
    return (
        f"var modules={body};var module_={{exports:{{}}}};"
        f"modules[{module_id}](module_,module_.exports,function(){{return {{}}}});"
        "module.exports=module_.exports;\n"
    ).encode("utf-8")


def main():
    wheels, target, pins_file = map(pathlib.Path, sys.argv[1:4])
    files = dict(core_files(one(wheels.glob("spyder_terminal-*.whl"), "spyder-terminal wheel")))
    files["@xterm/addon-webgl/index.js"] = webgl_module(one(wheels.glob("jupyterlab-*.whl"), "jupyterlab wheel"))
    pins = dict(reversed(line.split()) for line in pins_file.read_text().splitlines() if line.strip())
    found = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    if found != pins:
        for name in sorted(found.keys() | pins.keys()):
            if found.get(name) != pins.get(name):
                print(f"{name}: pinned {pins.get(name)}, found {found.get(name)}", file=sys.stderr)
        sys.exit("the vendored files are not the pinned ones")
    for name, data in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


main()
