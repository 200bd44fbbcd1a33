"""Live values of density mechanisms and located point processes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from neuron import h

from mod_translator import ir
from mod_translator.passes.effects import Analysis
from mod_translator.pointees import STREAM
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.function_tables import read_function_tables
from nrn_diff.bridge.generators import Generators
from nrn_diff.bridge.inventory import Located
from nrn_diff.bridge.links import Links
from nrn_diff.bridge.own_tables import refuse_tables
from nrn_diff.bridge.random123 import read_process_stream, read_streams
from nrn_diff.events.errors import EventError
from nrn_diff.snapshot import MechanismData


def read_values(located: Located, mechanism: ir.Mechanism, findings: Findings) -> dict[str, np.ndarray]:
    """Live values of all instances: name -> [n] or [n, length], of the variables that HOC can read.

    Refuses a PARAMETER that is NaN or infinite; the others are computed anew by a run.
    """
    values = {}
    for variable in located.type.instance_variables:
        symbol = mechanism.symbols.get(variable.name)
        if symbol is None:
            continue
        rows = [getattr(owner, variable.hoc_name) for owner in located.owners]
        if variable.length:
            rows = [[row[k] for k in range(variable.length)] for row in rows]
        values[variable.name] = array = np.array(rows, dtype=float)
        if symbol.block != "PARAMETER":
            continue
        for i in np.flatnonzero(~np.isfinite(array.reshape(len(rows), -1)).all(axis=1)):
            findings.finite(array[i], variable.hoc_name, f"{located.places[i]}, mechanism {located.type.name}")
    return values


def read_globals(
    kind: MechanismType, mechanism: ir.Mechanism, findings: Findings
) -> tuple[dict[str, np.ndarray], bool]:
    """Live GLOBAL values (name -> scalar or [length]) and usetable_<suffix>."""
    values, use_table = {}, False
    for variable in kind.globals_:
        live = getattr(h, variable.hoc_name)
        value = np.array([live[k] for k in range(variable.length)] if variable.length else live, dtype=float)
        if variable.name == "usetable":
            use_table = bool(value)
        symbol = mechanism.symbols.get(variable.name)
        if symbol is None:
            continue
        if symbol.block == "PARAMETER":
            findings.finite(value, variable.hoc_name, f"mechanism {kind.name}")
        values[variable.name] = value
    return values, use_table


def capture_mechanism(
    located: Located,
    mechanism: ir.Mechanism,
    rank: int,
    links: Links,
    findings: Findings,
    *,
    from_now: bool = False,
    hidden: Mapping[str, np.ndarray] | None = None,
    generators: Generators | None = None,
) -> MechanismData:
    """All instances of one translated mechanism with their live values.

    from_now: no INITIAL will be run. hidden: values that HOC cannot read. generators: what C code draws from.
    """
    globals_, use_table = read_globals(located.type, mechanism, findings)
    if not from_now:
        _refuse_leftovers(mechanism, globals_, hidden or {}, findings)
    values = read_values(located, mechanism, findings) | dict(hidden or {})
    if from_now:
        values = _of_all(mechanism, globals_, len(located.owners)) | values
    streams = read_streams(located, mechanism) | (generators.streams(mechanism) if generators else {})
    try:
        streams |= read_process_stream(mechanism, len(located.owners))
    except EventError as error:
        findings.refuse(f"the random numbers of {mechanism.name}", f"mechanism {mechanism.name}", str(error))
    order = running_order(located)
    if use_table:
        refuse_tables(mechanism, values, order, findings, filled=from_now or h.t != 0)
    return MechanismData(
        ir=mechanism,
        rank=rank,
        nodes=located.nodes,
        values=values | streams,
        globals_=globals_,
        use_table=use_table,
        labels=located.labels,
        order=order,
        tables=read_function_tables(located, mechanism, findings),
        pointers=links.pointers.get(mechanism.name, ()),
        transfers=links.transfers.get(mechanism.name, ()),
    )


def _of_all(mechanism: ir.Mechanism, globals_: Mapping[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    """What each instance finds in a GLOBAL that the code assigns and that is the same for all of them."""
    names = [s.name for s in mechanism.symbols.values() if s.common and s.role is ir.Role.INSTANCE]
    return {name: np.broadcast_to(globals_[name], (n, *globals_[name].shape)) for name in names if name in globals_}


def running_order(located: Located) -> np.ndarray:
    """Rows in NEURON's order: by node, on one node the point process made last first (prop_alloc in cabcode.cpp)."""
    point = located.type.point
    nodes = [(owner.get_segment() if point else owner).node_index() for owner in located.owners]
    made = -np.arange(len(nodes)) if point else np.arange(len(nodes))
    return np.lexsort((made, nodes))


def left_over(mechanism: ir.Mechanism) -> list[str]:
    """Variables that HOC cannot read and a run finds as something before it left them, such as a PROCEDURE or a run."""
    blocks = [mechanism.current, mechanism.advance, mechanism.net_receive, mechanism.net_initial]
    initial = mechanism.initial
    analysis = Analysis(mechanism)
    read = {name for block in (*blocks, initial) if block is not None for name in analysis.exposed(block)}
    set_anew = (set(initial.writes) - set(initial.reads)) if initial is not None else set()
    symbols = [s for n in sorted(read - set_anew) if (s := mechanism.symbols.get(n)) is not None]
    elsewhere = ("STATE", "RANDOM", STREAM, ir.PROCESS, ir.LAG)
    return [s.name for s in symbols if s.role is ir.Role.INSTANCE and not s.visible and s.block not in elsewhere]


def _refuse_leftovers(
    mechanism: ir.Mechanism, globals_: Mapping[str, np.ndarray], known: Collection[str], findings: Findings
) -> None:
    """Those that NEURON does not show: after a run they hold what nobody can ask for."""
    if h.t == 0:
        return
    for name in left_over(mechanism):
        if name not in known and not (name in mechanism.shared and name in globals_):
            findings.refuse(
                f"{name} of mechanism {mechanism.name}",
                mechanism.file,
                f"it keeps its value from run to run, HOC cannot read it, and a run has been made (t = {h.t:g} ms)",
                f"capture before the first run, or set {name} in INITIAL, or make it RANGE",
            )
