"""The example cells of EModelRunner in the live process, built by EModelRunner and BluePyOpt themselves.

Nothing of theirs is copied into the project: a temporary copy of the installed folder is what they run in.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

from validation.emodelrunner import pair

# Name of a case -> (folder of the installed examples, configuration, duration in ms).
CELLS = {
    "sscx": ("sscx_sample_dir", "config_singlestep.ini", 200.0),
    "sscx, 1280 synapses": ("sscx_sample_dir", "config_synapses_short.ini", 200.0),
    "thalamus": ("thalamus_sample_dir", "config_recipe_prots_short.ini", 200.0),
}
PAIR = "synplas pair"


def examples() -> Path:
    """Folder of the installed examples. Raises ModuleNotFoundError without EModelRunner."""
    spec = importlib.util.find_spec("emodelrunner")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("EModelRunner is not installed: pip install 'nrn-diff[models]'")
    return Path(spec.origin).parent.parent / "examples"


def mod_folder(name: str) -> Path:
    """Folder of the mod files of a case."""
    return examples() / (pair.FOLDER if name == PAIR else CELLS[name][0]) / "mechanisms"


def create(name: str, workplace: Path) -> tuple[Any, Any, Any]:
    """The cell of a case, without stimuli: (cell, simulator, configuration).

    workplace: an empty folder, which becomes the current one. NEURON must have the mods loaded.
    """
    folder, config_name, _ = CELLS[name]
    shutil.copytree(examples() / folder, workplace / "run", ignore=shutil.ignore_patterns("mechanisms"))
    os.chdir(workplace / "run")
    from bluepyopt import ephys
    from emodelrunner.create_cells import create_cell_using_config
    from emodelrunner.load import get_release_params, load_config

    config = load_config(config_path=f"config/{config_name}")
    cell = create_cell_using_config(config)
    sim = ephys.simulators.NrnSimulator(dt=config.getfloat("Sim", "dt"), cvode_active=False)
    cell.freeze(get_release_params(config))
    cell.instantiate(sim=sim)
    return cell, sim, config


def build(h: Any, name: str, workplace: Path) -> list[Any]:
    """The cell with its first protocol; returns what must stay alive. workplace: as for `create`."""
    if name == PAIR:
        return pair.build(h, examples(), workplace)
    folder, _, tstop = CELLS[name]
    cell, sim, config = create(name, workplace)
    from emodelrunner.protocols.create_protocols import ProtocolBuilder

    if "sscx" in folder:
        with_synapses = config.getboolean("Synapses", "add_synapses")
        make = ProtocolBuilder.using_sscx_protocols(with_synapses, config.prot_args(), cell)
        stimuli = make.get_ephys_protocols().protocols
        stimuli[0].instantiate(sim, cell)
    else:  # its protocols search for a threshold first
        stimuli = h.IClamp(cell.icell.soma[0](0.5))
        stimuli.delay, stimuli.dur, stimuli.amp = 20, 120, 0.3
    h.load_file("stdrun.hoc")
    vectors = [h.Vector().record(h._ref_t), h.Vector().record(cell.icell.soma[0](0.5)._ref_v)]
    vectors.append(h.Vector().record(cell.icell.dend[5](0.5)._ref_v))
    h.dt, h.steps_per_ms, h.tstop = 0.025, 40, tstop
    return [cell, stimuli, sim, vectors]
