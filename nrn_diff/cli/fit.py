"""Fit the model of a script of yours as a TOML or JSON file says; docs/fit-config.md describes the file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nrn_diff.cli.script import run_script

if TYPE_CHECKING:
    from nrn_diff.fitting.config import Config

SUMMARY = "fit a model as a configuration file says"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("config", metavar="CONFIG", help="a .toml or .json file")
    parser.add_argument("--no-resume", action="store_true", help="start anew also if there is a checkpoint")


def run(args: argparse.Namespace) -> int:
    """Run the script, fit, print the result, write what [output] asks for; of a fit that diverged the best before."""
    from nrn_diff.fitting import DivergedError
    from nrn_diff.fitting.config import read_config

    config = read_config(args.config)
    os.chdir(config.folder)
    run_script(config.script, config.mods)
    model, theta, runs, loss = _problem(config)
    options = dict(config.fit)
    bounds = theta.bounds()
    diverged = False
    try:
        result = _fit(runs, theta, loss, options, resume=not args.no_resume)
    except DivergedError as error:
        if error.best is None:
            raise
        print(error, file=sys.stderr)
        result, diverged = error.best, True
    print(f"loss {result.loss:.6g}: {result.stopped_because}")
    for name, value in result.theta.items():
        print(f"    {name} = {_short(value)}")
    for name in _missing(loss, runs, result.theta):
        print(
            f"    {name} does not exist in the fitted model (no spike of it between start and stop, for most features):"
        )
        print(
            "        it costs `missing` standard deviations and has no derivative; a SoftSpikeCount beside it has one"
        )
    losses = np.asarray(getattr(result, "losses", ()), dtype=float)
    if losses.size > 1 and np.ptp(losses) == 0.0:
        print("    the loss has not changed at all: from this start no fitted parameter changes it")
    _write(config.output, model, runs, theta, result, loss, bounds)
    return int(diverged)


def _missing(loss: Any, runs: Any, theta: Any) -> list[str]:
    """Features that do not exist in the fitted model."""
    from nrn_diff.fitting.summary import targets_of

    targets = targets_of(loss)
    after = runs.simulate(theta) if targets else {}
    return [t.name for t, protocol in targets if not np.isfinite(t.feature(after[protocol] if protocol else after))]


def _problem(config: Config) -> tuple[Any, Any, Any, Any]:
    """The model, its parameters, what runs it, and the loss."""
    import nrn_diff
    from nrn_diff.fitting import AbsoluteZScores, FitError, Protocols, Target, Weighted, ZScores
    from nrn_diff.fitting.config import make_feature

    scores = AbsoluteZScores if config.fit.get("loss") == "absolute" else ZScores
    if config.bluepyopt:
        from nrn_diff.cli.bluepyopt import problem

        return problem(config, scores)
    model = nrn_diff.capture(config.tstop, config.dt)
    if config.records:
        with _said_at(config, "records"):
            model = model.with_records(*config.records)
    theta = _parameters(model, config)
    for name, change in config.protocols.items():
        with _said_at(config, "protocols", name):
            if twice := [key for key in change if key in {spec.name for spec in theta.specs}]:
                raise FitError(f"{twice[0]!r} is among [[parameters]], so protocols cannot set it")
            model.with_theta({k: np.asarray(v, float) for k, v in change.items()})
            Protocols(model, {first: config.protocols[first] for first in (next(iter(config.protocols)), name)})
    runs = Protocols(model, config.protocols) if config.protocols else model
    terms: list[tuple[Any, float, str]] = []
    if config.targets:
        keys = ("mean", "std", "weight", "protocol", "missing")
        targets = []
        for k, entry in enumerate(config.targets):
            with _said_at(config, "targets", k):
                target = Target(make_feature(entry), **{key: entry[key] for key in keys if key in entry})
                if target.weight:
                    scores([target])
                _check_label(model, entry)
                targets.append(target)
        terms.append((scores(targets), 1.0, ""))
    for k, entry in enumerate(config.traces):
        with _said_at(config, "traces", k):
            _check_label(model, entry)
            terms.append(_trace(model, entry))
    if not terms:
        raise FitError(f"{config.file}: there are neither [[targets]] nor [[traces]], so there is nothing to fit to")
    return model, theta, runs, terms[0][0] if len(terms) == 1 and not terms[0][2] else Weighted(terms)


@contextmanager
def _said_at(config: Config, *place: str | int) -> Iterator[None]:
    """Errors of what is inside begin with the file and the line of a place in it."""
    from nrn_diff.errors import NrnDiffError
    from nrn_diff.fitting import FitError

    try:
        yield
    except NrnDiffError as error:
        raise FitError(f"{config.at(*place)}{error}") from error


def _check_label(model: Any, entry: Mapping[str, Any]) -> None:
    from nrn_diff.fitting import FitError

    if entry["label"] not in model.recorded:
        there = ", ".join(model.recorded)
        raise FitError(f"{entry['label']!r} is not recorded; there are {there}. Others go into `records`")
    window = entry.get("start", 0.0), entry.get("stop", model.t[-1])
    if "feature" in entry and not window[0] < min(window[1], model.t[-1]):
        raise FitError(f"{entry['feature']} from {window[0]:g} to {window[1]:g} ms: the run ends at {model.t[-1]:g} ms")


def _parameters(model: Any, config: Config) -> Any:
    import nrn_diff
    from nrn_diff.fitting import FitError
    from nrn_diff.fitting.problem import find_bijections

    if not config.parameters:
        raise FitError(f"{config.file}: there are no [[parameters]]")
    specs, starts = [], {}
    for k, entry in enumerate(config.parameters):
        with _said_at(config, "parameters", k):
            spec = nrn_diff.Param(**{key: v for key, v in entry.items() if key != "start"})
            found = model.parameters(spec)
        label = spec.label
        if "start" in entry:
            with _said_at(config, "parameters", k, "start"):
                given = np.asarray(entry["start"], float)
                if given.ndim and given.shape != found[label].shape:
                    raise FitError(f"start has {given.size} numbers, and {label!r} {found[label].size}")
                found = found.replace(**{label: np.broadcast_to(given, found[label].shape)})
                starts[label] = found[label]
        with _said_at(config, "parameters", k, "bounds"):
            find_bijections(found, None, None)
        specs.append(spec)
    with _said_at(config, "parameters"):
        return model.parameters(*specs).replace(**starts)


def _trace(model: Any, entry: Mapping[str, Any]) -> tuple[Any, float, str]:
    from nrn_diff.fitting import trace_mse
    from nrn_diff.fitting.measured import check_measured, on_samples, read_trace

    t, x = read_trace(
        entry["file"], str(entry.get("column", "")), time=str(entry.get("time", "")), unit=entry.get("unit", 1.0)
    )
    t = t + entry.get("delay", 0.0)
    low, high = max(entry.get("from", 0.0), model.t[0]), min(entry.get("to", np.inf), model.t[-1])
    kind = next(r.source for r in model.structure.recorded if r.label == entry["label"])
    check_measured(entry["file"], t, x, low, high, in_mV=kind == "v")
    target = on_samples(t, x, model.t)
    mask = np.isfinite(target) & (model.t >= low) & (model.t <= high)
    loss = trace_mse(entry["label"], target, mask=mask, scale=entry.get("scale"))
    return loss, float(entry.get("weight", 1.0)), entry.get("protocol", "")


def _fit(runs: Any, theta: Any, loss: Any, options: dict[str, Any], *, resume: bool) -> Any:
    import optax

    from nrn_diff.fitting import MinimumNorm, fit, gauss_newton, normalised, polyak, search

    method, rate = options.pop("method", "adam"), options.pop("rate", None)
    options.pop("loss", None)
    steps = options.setdefault("steps", 200)
    makers: dict[str, Callable[[], Any]] = {
        "adam": lambda: None if rate is None else optax.adam(rate),
        "gauss_newton": gauss_newton,
        "lbfgs": optax.lbfgs,
        "minimum_norm": MinimumNorm,
        "normalised": lambda: normalised(rate or 0.1, steps),
        "polyak": polyak,
    }
    if method == "search":
        options.setdefault("seed", 0)
        optimizer = makers[options.pop("local", "adam")]()
        return search(runs, theta, loss, optimizer=optimizer, resume=resume, **options)
    return fit(runs, theta, loss, optimizer=makers[method](), resume=resume, **options)


def _write(output: Mapping[str, Any], model: Any, runs: Any, theta: Any, result: Any, loss: Any, bounds: Any) -> None:
    from nrn_diff.export import write_hoc, write_python
    from nrn_diff.fitting import identifiability
    from nrn_diff.fitting.summary import write_fit_report

    written = []
    if "json" in output:
        data = {k: np.asarray(v).tolist() for k, v in result.theta.items()}
        text = json.dumps({"theta": data, "loss": result.loss, "stopped_because": result.stopped_because}, indent=1)
        Path(output["json"]).write_text(text + "\n")
        written.append(output["json"])
    for key, writer in (("hoc", write_hoc), ("python", write_python)):
        if key in output:
            written.append(writer(model, result.theta, output[key]))
    if "report" in output:
        found = identifiability(runs, result.theta, loss, bounds=bounds) if output.get("identifiability") else None
        written.append(write_fit_report(output["report"], runs, theta, result, loss, identifiability=found))
    for path in written:
        print(f"written: {path}")


def _short(value: Any) -> str:
    return np.array2string(np.asarray(value), precision=6, threshold=8)
