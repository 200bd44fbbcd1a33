"""Small mods in the driven compartment of the validation: everything that NEURON shows is the same here."""

from pathlib import Path

import pytest
from neuron_process import compile_mods, run_function

import mod_translator
from validation.mods.drivers import needed

_DIFFERENTIATED = ("drepeat", "dshare", "dturn", "daround", "dfilled", "dstages", "dscheme", "dorder", "dmeet")
FOLDER = Path(__file__).parent / "driven_mods"


def examine(mechanism, libraries, gradient):
    import jax

    from validation.driven import Job, examine

    jax.config.update("jax_enable_x64", True)
    return examine(Job(mechanism, tuple(libraries), 18.5, gradient))


@pytest.mark.parametrize("name", sorted(p.stem for p in FOLDER.glob("*.mod")))
def test_same_as_neuron(name):
    text = (FOLDER / f"{name}.mod").read_text()
    mechanism, report = mod_translator.lower(text)
    assert mechanism is not None, str(report)
    libraries = [str(compile_mods({f"{name}.mod": text}))]
    libraries += [str(compile_mods({f"{other}.mod": mod})) for other, mod in needed(mechanism).items()]
    outcome = run_function(examine, mechanism=name, libraries=libraries, gradient=name in _DIFFERENTIATED)
    assert outcome["verdict"] == "same", outcome
    assert outcome["own_moving"] > 0
    assert outcome.get("gradient", "finite") == "finite"
