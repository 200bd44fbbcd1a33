"""The examples of README and documentation run, every command is described, and the site needs nothing from outside."""

import argparse
import importlib
import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mod_translator import cli as translator
from nrn_diff.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
_BLOCK = re.compile(r"<!-- (example|run): (\S+) -->\n```python\n(.*?)```", re.DOTALL)


def examples(page):
    """(name, whether to run it, text) of the marked blocks of a page."""
    return [(name, kind == "run", text) for kind, name, text in _BLOCK.findall(page.read_text(encoding="utf-8"))]


README = {name: text for name, _, text in examples(ROOT / "README.md")}
# Samples for most of a minute, with a package of the extra `posterior`.
MARKS = {
    "posterior.py": (
        pytest.mark.slow,
        pytest.mark.skipif(importlib.util.find_spec("blackjax") is None, reason="blackjax is not installed"),
    )
}
RUNNABLE = [
    pytest.param(page.name, name, marks=MARKS.get(name, ())) for page in PAGES for name, run, _ in examples(page) if run
]


def run_example(folder, name, text):
    """Run a file beside cell.py of the README, in a process of its own."""
    (folder / "cell.py").write_text(README["cell.py"])
    (folder / name).write_text(text)
    ran = subprocess.run(
        [sys.executable, name],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NEURON_MODULE_OPTIONS": "-nogui"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


@pytest.mark.long
def test_the_example_of_the_readme_does_what_it_says(tmp_path):
    lines = [line for line in README["fit.py"].splitlines() if line.strip()]
    assert len(lines) == 15
    out = run_example(tmp_path, "fit.py", README["fit.py"] + '\nprint("g_pas:", cell.dend.g_pas)\n')
    assert float(re.search(r"largest difference \(mV\): (\S+)", out)[1]) < 1e-6
    assert re.search(r"gradient: \{'gnabar_hh': .*, 'g_pas': ", out)
    first, last, g_pas = map(float, re.search(r"loss: (\S+) -> (\S+)\ng_pas: (\S+)", out).groups())
    assert last < 0.01 * first
    assert abs(g_pas - 1e-3) < 1e-4


@pytest.mark.long
@pytest.mark.parametrize(("page", "name"), RUNNABLE)
def test_the_examples_of_the_documentation_run(page, name, tmp_path):
    text = {n: t for n, _, t in examples(ROOT / "docs" / page)}[name]
    run_example(tmp_path, name, text)


def options(parser):
    return {
        option
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--") and option != "--help"
    }


def test_every_command_and_option_is_described():
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        parser = argparse.ArgumentParser()
        importlib.import_module(f"nrn_diff.cli.{name}").configure(parser)
        assert f"## nrn-diff {name}\n" in text
        section = text.split(f"## nrn-diff {name}\n")[1].split("\n## ")[0]
        missing = {option for option in options(parser) if option not in section}
        assert not missing, f"nrn-diff {name}"
    section = text.split("## mod-translator\n")[1].split("\n## ")[0]
    for parser in (translator._translate_parser(), translator._check_parser()):
        assert {option for option in options(parser) if option not in section} == set()


def test_no_place_of_a_machine_is_named():
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES):
        found = re.findall(r"(?<![\w.])/(?:home|root|work|Users|tmp|usr)/\S*", page.read_text(encoding="utf-8"))
        assert found == [], page.name


class _Resources(HTMLParser):
    """Addresses that a browser loads by itself."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source"):
            self.found.append(given.get("src") or "")
        elif tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.found.append(given.get("href") or "")


@pytest.mark.skipif(importlib.util.find_spec("material") is None, reason="mkdocs-material is not installed")
def test_the_site_builds_strictly_and_loads_nothing_from_outside(tmp_path):
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        resources = _Resources()
        resources.feed(page.read_text(encoding="utf-8"))
        assert resources.found
        outside = [r for r in resources.found if re.match(r"(https?:)?//", r)]
        assert outside == [], page.name
    for style in tmp_path.rglob("*.css"):
        loaded = re.findall(r"(?:@import\s+|url\()[\"']?((?:https?:)?//[^\"')]+)", style.read_text(encoding="utf-8"))
        assert loaded == [], style.name
