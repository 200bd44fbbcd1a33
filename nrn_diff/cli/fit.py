"""Fit the model of a script of yours as a TOML or JSON file says; docs/fit-config.md describes the file."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nrn_diff.cli.script import run_script

if TYPE_CHECKING:
    from nrn_diff.fitting.config import Config

SUMMARY = "fit a model as a configuration file says"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("config", metavar="CONFIG", help="a .toml or .json file")
    parser.add_argument("--no-resume", action="store_true", help="start anew also if there is a checkpoint")


def run(args: argparse.Namespace) -> int:
    """Run the script, fit, print the result, write what [output] asks for."""
    from nrn_diff.fitting.config import read_config

    config = read_config(args.config)
    os.chdir(config.folder)
    run_script(config.script, config.mods)
    model, theta, runs, loss = _problem(config)
    options = dict(config.fit)
    bounds = theta.bounds()
    result = _fit(runs, theta, loss, options, resume=not args.no_resume)
    print(f"loss {result.loss:.6g}: {result.stopped_because}")
    for name, value in result.theta.items():
        print(f"    {name} = {_short(value)}")
    _write(config.output, model, runs, theta, result, loss, bounds)
    return 0


def _problem(config: Config) -> tuple[Any, Any, Any, Any]:
    """The model, its parameters, what runs it, and the loss."""
    import nrn_diff
    from nrn_diff.fitting import FitError, Protocols, Target, Weighted, ZScores
    from nrn_diff.fitting.config import make_feature

    if config.bluepyopt:
        from nrn_diff.cli.bluepyopt import problem

        return problem(config)
    model = nrn_diff.capture(config.tstop, config.dt)
    if config.records:
        model = model.with_records(*config.records)
    theta = _parameters(model, config.parameters)
    runs = Protocols(model, config.protocols) if config.protocols else model
    terms: list[tuple[Any, float, str]] = []
    if config.targets:
        keys = ("mean", "std", "weight", "protocol", "missing")
        targets = [Target(make_feature(t), **{k: t[k] for k in keys if k in t}) for t in config.targets]
        terms.append((ZScores(targets), 1.0, ""))
    terms += [_trace(model, entry) for entry in config.traces]
    if not terms:
        raise FitError("there are neither [[targets]] nor [[traces]], so there is nothing to fit to")
    if config.protocols and any(not p for loss, _, p in terms if not isinstance(loss, ZScores)):
        raise FitError("with [protocols], each of [[traces]] needs its `protocol`")
    return model, theta, runs, terms[0][0] if len(terms) == 1 and not terms[0][2] else Weighted(terms)


def _parameters(model: Any, entries: tuple[dict[str, Any], ...]) -> Any:
    import jax.numpy as jnp

    import nrn_diff
    from nrn_diff.fitting import FitError

    if not entries:
        raise FitError("there are no [[parameters]]")
    specs, starts = [], {}
    for entry in entries:
        options = {k: v for k, v in entry.items() if k != "start"}
        spec = nrn_diff.Param(**options)
        specs.append(spec)
        if "start" in entry:
            starts[spec.label] = entry["start"]
    theta = model.parameters(*specs)
    return theta.replace(**{k: jnp.broadcast_to(jnp.asarray(v, float), theta[k].shape) for k, v in starts.items()})


def _trace(model: Any, entry: Mapping[str, Any]) -> tuple[Any, float, str]:
    import numpy as np

    from nrn_diff.fitting import trace_mse
    from nrn_diff.fitting.measured import on_samples, read_trace

    t, x = read_trace(
        entry["file"], str(entry.get("column", "")), time=str(entry.get("time", "")), unit=entry.get("unit", 1.0)
    )
    target = on_samples(t + entry.get("delay", 0.0), x, model.t)
    mask = np.isfinite(target) & (model.t >= entry.get("from", -np.inf)) & (model.t <= entry.get("to", np.inf))
    loss = trace_mse(entry["label"], target, mask=mask, scale=entry.get("scale"))
    return loss, float(entry.get("weight", 1.0)), entry.get("protocol", "")


def _fit(runs: Any, theta: Any, loss: Any, options: dict[str, Any], *, resume: bool) -> Any:
    import optax

    from nrn_diff.fitting import fit, gauss_newton, normalised, polyak, search

    method, rate = options.pop("method", "adam"), options.pop("rate", None)
    steps = options.setdefault("steps", 200)
    if method == "search":
        options.setdefault("seed", 0)
        return search(runs, theta, loss, resume=resume, **options)
    makers: dict[str, Callable[[], Any]] = {
        "adam": lambda: None if rate is None else optax.adam(rate),
        "gauss_newton": gauss_newton,
        "lbfgs": optax.lbfgs,
        "normalised": lambda: normalised(rate or 0.1, steps),
        "polyak": polyak,
    }
    optimizer = makers[method]()
    return fit(runs, theta, loss, optimizer=optimizer, resume=resume, **options)


def _write(output: Mapping[str, Any], model: Any, runs: Any, theta: Any, result: Any, loss: Any, bounds: Any) -> None:
    import numpy as np

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
    import numpy as np

    return np.array2string(np.asarray(value), precision=6, threshold=8)
