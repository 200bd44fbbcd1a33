"""Examine sets of mod files: python -m validation.mods.run --sets neuron bmtk --folder modeldb=/somewhere.

Results go to results/<set>.jsonl, one line for each distinct file, after each file; a file whose translation and
yardstick are as before keeps its verdict. The tables are written to docs/mods.md.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from validation.mods.sets import Mod, built_in_names, collect
from validation.mods.study import Study
from validation.mods.table import write_tables

RESULTS = Path(__file__).parent / "results"


def read_results(name: str) -> dict[str, dict[str, Any]]:
    """sha256 -> record of a set."""
    path = RESULTS / f"{name}.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {record["sha256"]: record for record in records}


def write_results(name: str, records: list[dict[str, Any]]) -> None:
    """One line for each mod, in the order of the files."""
    RESULTS.mkdir(exist_ok=True)
    text = "".join(json.dumps(record) + "\n" for record in sorted(records, key=lambda r: r["file"]))
    part = RESULTS / f".{name}.part"
    part.write_text(text)
    part.replace(RESULTS / f"{name}.jsonl")


def run_set(name: str, mods: list[Mod], again: set[str], only: str, jobs: int, study: Study) -> None:
    """Bring the results of one set up to date, `jobs` files at a time."""
    known = {sha: r for path in RESULTS.glob("*.jsonl") for sha, r in read_results(path.stem).items()}
    known |= read_results(name)
    records = {mod.sha256: known[mod.sha256] for mod in mods if mod.sha256 in known}
    with ThreadPoolExecutor(jobs) as pool:  # each file is examined in a process of its own
        running = []
        for mod in sorted(mods, key=lambda mod: mod.sha256 in known):  # what was never driven comes first
            mechanism, said = study.translate(mod)
            old = known.get(mod.sha256)
            stale = old is None or old["state"] != said["state"] or bool(again & {old["verdict"], *lacks(old), "all"})
            if stale and only in mod.label:
                running.append(pool.submit(study.run, mod, mechanism, said))
            elif old is not None:
                records[mod.sha256] = {**old, "file": mod.label, "copies": len(mod.copies)}
        for k, done in enumerate(as_completed(running)):
            record = done.result()
            records[record["sha256"]] = record
            write_results(name, list(records.values()))
            print(f"{name} {k + 1}/{len(running)} {record['file']}: {summary(record)}", flush=True)
    write_results(name, list(records.values()))


def lacks(record: dict[str, Any]) -> tuple[str, ...]:
    """'no gradient' for a file whose values are the same and whose gradient was left for later."""
    return ("no gradient",) if record["verdict"] == "same" and "gradient" not in record else ()


def summary(record: dict[str, Any]) -> str:
    """One line for the terminal."""
    verdict = record["verdict"]
    if verdict in ("same", "differs"):
        where = f"{record['worst']} {record['relative']:.1e}" if record["worst"] else "0"
        moving = f"{record['moving']}/{record['recorded']} move, own {record['own_moving']}"
        return f"{verdict} ({where}; {moving}; {record.get('gradient', '')})"
    reasons = "; ".join(f"{r['code']} {r['reason']}".strip() for r in record.get("reasons", [])[:2])
    return f"{verdict} {reasons}"[:240]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="*", default=[], help="neuron, bmtk, emodelrunner, pyfibers, hnn-core")
    parser.add_argument("--folder", action="append", default=[], metavar="NAME=PATH", help="a set from a folder")
    parser.add_argument("--again", nargs="*", default=[], help="verdicts to repeat, 'no gradient', or 'all'")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    parser.add_argument("--limit", type=int, default=0, help="at most this many files of each set")
    parser.add_argument("--jobs", type=int, default=1, help="files at a time")
    parser.add_argument("--sample", type=int, default=0, help="this many files of each set, drawn by their content")
    parser.add_argument("--values-only", action="store_true", help="leave the gradients for later")
    parser.add_argument("--table-only", action="store_true", help="write docs/mods.md from the results")
    given = parser.parse_args()
    folders = {name: Path(path) for name, _, path in (item.partition("=") for item in given.folder)}
    for name in () if given.table_only else [*given.sets, *folders]:
        mods = collect(name, folders)
        if given.sample:  # by digest, so that every machine draws the same files
            drawn = {mod.sha256 for mod in sorted(mods, key=lambda mod: mod.sha256)[: given.sample]}
            mods = [mod for mod in mods if mod.sha256 in drawn]
        study = Study(built_in_names(), rename=name == "neuron", gradients=not given.values_only)
        run_set(name, mods[: given.limit or None], set(given.again), given.only, given.jobs, study)
    print(write_tables(RESULTS))


if __name__ == "__main__":
    main()
