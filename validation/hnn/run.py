"""Run hnn-core's layer 5 cell and its network, each case in a fresh process, and write results.json."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from validation.measure import capture_and_compare, run_cases

_TSTOP = 40.0
_AMPA = {"L2_basket": 0.09, "L2_pyramidal": 0.02, "L5_basket": 0.2, "L5_pyramidal": 0.01}
_DELAYS = {"L2_basket": 0.1, "L2_pyramidal": 0.1, "L5_basket": 1.0, "L5_pyramidal": 1.0}


class _WithoutLegacyUnits:
    """NEURON's h, for the import of hnn-core only: nrnunit_use_legacy does nothing."""

    def __init__(self, h: Any) -> None:
        self.__dict__["real"] = h

    def __getattr__(self, name: str) -> Any:
        return (lambda _: 0.0) if name == "nrnunit_use_legacy" else getattr(self.real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.real, name, value)


def _import() -> Any:
    import neuron

    real = neuron.h
    stand_in = neuron.h = _WithoutLegacyUnits(real)
    import hnn_core

    neuron.h = real
    for name, module in list(sys.modules.items()):
        if name.startswith("hnn_core") and getattr(module, "h", None) is stand_in:
            module.h = real  # type: ignore[attr-defined]
    return hnn_core


def _evoked(net: Any) -> None:
    net.add_evoked_drive(
        "proximal",
        mu=8.0,
        sigma=1.0,
        numspikes=1,
        location="proximal",
        weights_ampa=_AMPA,
        synaptic_delays=_DELAYS,
    )


def _poisson(net: Any) -> None:
    _evoked(net)
    net.add_poisson_drive(
        "noise",
        tstop=_TSTOP,
        rate_constant=60.0,
        location="distal",
        weights_ampa={"L2_pyramidal": 0.002, "L5_pyramidal": 0.002},
        synaptic_delays=0.1,
    )


NETWORKS = {"3 x 3, evoked drive": _evoked, "3 x 3, evoked and Poisson drives": _poisson}
CELL = "layer 5 pyramidal cell"


def _network(hnn_core: Any, name: str) -> Any:
    from hnn_core.network_builder import NetworkBuilder

    net = hnn_core.jones_2009_model(mesh_shape=(3, 3))
    net._verbose = False
    NETWORKS[name](net)
    net._instantiate_drives(tstop=_TSTOP, n_trials=1)
    net._params["record_vsec"] = "soma"
    return NetworkBuilder(net, trial_idx=0)


def _cell() -> Any:
    from hnn_core.cells_default import pyramidal
    from hnn_core.network_builder import load_custom_mechanisms

    load_custom_mechanisms(net_verbose=False)
    cell = pyramidal("L5_pyramidal", gid=0)
    cell.build(sec_name_apical="apical_trunk")
    cell.create_tonic_bias(amplitude=2.0, t0=5.0, tstop=_TSTOP)
    cell.record(record_vsec="all", record_ca="soma")
    return cell


def one(name: str) -> dict[str, Any]:
    """Build a network, or the cell, in this process and compare."""
    from neuron import h

    hnn_core = _import()
    h.load_file("stdrun.hoc")
    built = _cell() if name == CELL else _network(hnn_core, name)
    h.dt, h.steps_per_ms, h.tstop, h.v_init, h.celsius = 0.025, 40, _TSTOP, -65.0, 37.0
    result = capture_and_compare(h)
    del built
    return result


if __name__ == "__main__":
    run_cases("validation.hnn.run", Path(__file__).parent, (CELL, *NETWORKS), one)
