"""EModelRunner's pair of cells with three plastic synapses (GluSynapse), built by EModelRunner itself.

Its protocol lasts 700 s under the variable step. Here the same cells, synapses and pulses are kept, with spikes of the
first cell closer together, and the fixed step.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = "synplas_sample_dir"
TSTOP = 500.0
# Spikes of the first cell (ms), and the delay of the second one's pulses, as in the configuration (1Hz_10ms).
SPIKES, PAIRING = np.array([20.0, 70.0, 120.0, 170.0, 220.0, 270.0, 420.0]), 10.0


def build(h: Any, examples: Path, workplace: Path) -> list[Any]:
    """Both cells with stimuli and recordings; returns what must stay alive. workplace: an empty folder."""
    shutil.copytree(examples / FOLDER, workplace / "run", ignore=shutil.ignore_patterns("mechanisms"))
    os.chdir(workplace / "run")
    from bluepyopt import ephys
    from emodelrunner.create_cells import get_postcell, get_precell
    from emodelrunner.load import get_release_params, get_syn_setup_params, load_config
    from emodelrunner.protocols.create_protocols import define_pairsim_protocols
    from emodelrunner.run_synplas import _set_global_params

    config = load_config(config_path="config/config_1Hz_10ms.ini")
    fitted = config.get("Paths", "synplas_fit_params_path")
    gid = config.getint("Cell", "gid")
    setup = get_syn_setup_params(
        "synapses/syn_extra_params.json", "synapses/cpre_cpost.json", fitted, gid, invivo=False
    )
    post, pre = get_postcell(config, fixhp=True, syn_setup_params=setup), get_precell(config, fixhp=True)
    sim = ephys.simulators.NrnSimulator(dt=0.025, cvode_active=False)
    _set_global_params(setup["fit_params"], sim)
    shape = {"Mode": "Current", "Pattern": "Pulse", "AmpStart": 0.6, "AmpEnd": 0.6, "Width": 3.0}
    pulses = {
        f"pulse{i}": {**shape, "Frequency": 0.1, "Delay": spike + PAIRING, "Duration": TSTOP}
        for i, spike in enumerate(SPIKES)
    }
    Path("pulses.json").write_text(json.dumps(pulses))
    recorded = json.loads(config.get("SynapsePlasticity", "synrec"))
    protocol = define_pairsim_protocols(
        post, "pre", "post", False, recorded, TSTOP, None, config.presyn_stim_args(SPIKES), "pulses.json"
    )
    for cell, parameters in ((pre, get_release_params(config, precell=True)), (post, get_release_params(config))):
        cell.freeze(parameters)
        cell.instantiate(sim=sim)
    protocol.instantiate(sim=sim, pre_icell=pre.icell, post_icell=post.icell)
    h.load_file("stdrun.hoc")
    h.dt, h.steps_per_ms, h.tstop = 0.025, 40, TSTOP
    return [pre, post, sim, protocol]
