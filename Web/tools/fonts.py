"""Makes the terminal's web font: JetBrains Mono cut down to what a terminal shows, as woff2, with its style sheet.

Usage: fonts.py OUTPUT_FOLDER
"""

import pathlib
import sys

from fontTools import subset

SOURCE = pathlib.Path("/usr/share/fonts/truetype/jetbrains-mono")
FACES = {"Regular": 400, "Bold": 700}
# Latin with Greek and Cyrillic basics, punctuation, arrows, mathematics, technical, box drawing, blocks, shapes,
# dingbats in common use, Braille (graphs), Powerline.
UNICODES = (
    "U+0020-007E,U+00A0-017F,U+0192,U+0218-021B,U+0370-03FF,U+0400-045F,U+2010-2027,U+2030-205E,U+2070-209C,"
    "U+20A0-20BF,U+2100-214F,U+2150-215F,U+2190-21FF,U+2200-22FF,U+2300-23FF,U+2500-25FF,U+2600-2604,U+2610-2612,"
    "U+2630-2637,U+2669-266F,U+2713-2718,U+2756,U+276C-2771,U+2800-28FF,U+E0A0-E0A2,U+E0B0-E0B3,U+FFFD"
)


def main():
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    rules = []
    for face, weight in FACES.items():
        name = f"JetBrainsMono-{face}.woff2"
        subset.main([
            str(SOURCE / f"JetBrainsMono-{face}.ttf"), f"--output-file={target / name}", "--flavor=woff2",
            f"--unicodes={UNICODES}", "--layout-features=", "--no-hinting", "--desubroutinize",
        ])
        rules.append(
            f'@font-face{{font-family:"JetBrains Mono";font-weight:{weight};font-display:swap;'
            f'src:url("./{name}") format("woff2")}}\n'
        )
    (target / "fonts.css").write_text("".join(rules))


main()
