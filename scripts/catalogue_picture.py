#!/usr/bin/env python3
"""Photograph the catalogue of a small repository, light and dark, for README and docs.

    catalogue_picture.py [--check]

It publishes a few phantoms as a lab would, opens the front page in Chromium, and writes two PNG
files, which have the page's text in them.  With --check nothing is written, and it fails where the
page has other text now.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image, PngImagePlugin
from playwright.sync_api import sync_playwright

STATIC = Path(__file__).resolve().parent.parent / "docs" / "_static"
THEMES = ("light", "dark")
SIZE = {"width": 1120, "height": 900}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--force-device-scale-factor=1"]
_TEXT = "text of the page"

PACKAGES = {
    "template": ("Average head of twelve phantoms", "[template, T1w]", "CC0-1.0"),
    "regions": ("Forty regions of the average head", "[atlas, parcellation]", "CC-BY-4.0"),
    "vessels": ("Map of vessels in the average head", "[probability, vessels]", "CC-BY-4.0"),
}
DEFINITION = """\
name: adalab-{name}
relpath: adalab/{name}
version: "1.{number}"
summary: {summary}
keywords: {keywords}
license: {license}
redistribution: verified
species: [Homo sapiens]
space: [MNI152NLin2009cAsym]
date: 2026-03-0{number}
homepage: https://lab.example/{name}
maintainer: {{name: Ada Lovelace, email: ada@lab.example}}
"""


def main() -> None:
    """Write or compare the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        repository = publish(Path(folder))
        text, pictures = photographs(repository / "index.html")
    stale = []
    for theme, picture in pictures.items():
        file = STATIC / f"catalogue-{theme}.png"
        if not check:
            write(file, picture, text)
        elif not file.is_file() or Image.open(file).info.get(_TEXT) != text:
            stale.append(file.name)
    if stale:
        sys.exit(f"pictures: {', '.join(stale)}: not what the page says now; run {sys.argv[0]}")


def publish(home: Path) -> Path:
    """Return the folder of a repository with a few packages of phantoms."""
    for number, (name, (summary, keywords, license)) in enumerate(PACKAGES.items(), 1):
        data = home / name / name
        data.mkdir(parents=True)
        values = {"summary": summary, "keywords": keywords, "license": license}
        definition = DEFINITION.format(name=name, number=number, **values)
        (home / name / "package.yaml").write_text(definition, "utf-8")
        (data / "config.ini").write_text(f"[DEFAULT]\nversion = 1.{number}\n", "utf-8")
        image = nibabel.Nifti1Image(phantom(name), np.diag([2.0, 2.0, 2.0, 1.0]))
        nibabel.save(image, data / f"{name}.nii")
        run(home, "build", home / name, "-f", "wheel", "-f", "conda", "-f", "deb", "-o", "dist")
    run(home, "keygen", "Ada Lovelace <ada@lab.example>", "--out", "lab.key")
    words = ["--title", "Ada's lab", "--address", "https://data.lab.example", "--key", "lab.key"]
    run(home, "publish", *sorted((home / "dist").iterdir()), "lab", *words)
    return home / "lab"


def phantom(name: str) -> np.ndarray:
    """Return the image of a head: its tissues, its regions or its vessels."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in (91, 109, 91)), indexing="ij")
    radius = np.sqrt((x / 0.8) ** 2 + (y / 0.92) ** 2 + (z / 0.8) ** 2)
    folds = 0.06 * np.sin(17 * x) * np.sin(15 * y) * np.sin(16 * z)
    brain = radius + folds < 0.78
    ventricle = ((np.abs(x) - 0.12) / 0.09) ** 2 + (y / 0.34) ** 2 + (z / 0.16) ** 2 < 1
    if name == "template":
        head = 900.0 * ((radius > 0.9) & (radius < 0.98))
        head = np.where(brain, 620, head)
        head = np.where(radius + 2 * folds < 0.62, 980, head)
        head = np.where(ventricle, 150, head)
        grain = np.random.default_rng(1).normal(0, 25, head.shape)
        return (head + grain * (head > 0)).astype(np.float32)
    if name == "regions":
        parts = (np.floor((y + 1) * 5) * 4 + (x > 0) * 2 + (z > 0.1) + 1) * brain
        return np.where(ventricle, 0, parts).astype(np.int16)
    bends = [np.sin(9 * a + 2 * b) + np.cos(7 * b - 3 * c) for a, b, c in ((x, y, z), (y, z, x))]
    lines = sum(np.exp(-30 * bend**2) for bend in bends)
    return (lines * brain).astype(np.float32)


def run(home: Path, *words: str | Path) -> None:
    """Run nipack there."""
    command = [sys.executable, "-m", "nipack", *map(str, words)]
    environment = os.environ | {"HOME": str(home), "NIPACK_CACHE_DIR": str(home / "cache")}
    subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True)


def photographs(page: Path) -> tuple[str, dict[str, bytes]]:
    """Return a page's text, its days left out, and a picture of it in each theme."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    pictures = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        for theme in THEMES:
            context = browser.new_context(viewport=SIZE, color_scheme=theme)
            opened = context.new_page()
            opened.goto(page.as_uri())
            opened.wait_for_load_state("networkidle")
            text = opened.inner_text("main")
            pictures[theme] = opened.screenshot()
        browser.close()
    return re.sub(r"\d{4}-\d\d-\d\d", "DAY", text), pictures


def write(file: Path, picture: bytes, text: str) -> None:
    """Write a picture in 256 colours, with the text in it."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text(_TEXT, text)
    small = Image.open(BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(file, optimize=True, pnginfo=notes)


if __name__ == "__main__":
    main()
