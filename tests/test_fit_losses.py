"""Losses of recordings: values by hand, masks, scales, gradients, clear refusals."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nrn_diff.fitting import FitError, trace_mse

jax.config.update("jax_enable_x64", True)

REC = {"a.v": jnp.array([1.0, 2.0, 4.0]), "b.v": jnp.array([0.0, 0.0])}


def test_one_trace_by_hand():
    assert float(trace_mse("a.v", [1.0, 0.0, 0.0])(REC)) == pytest.approx((0 + 4 + 16) / 3)
    assert float(trace_mse("a.v", [1.0, 0.0, 0.0], scale=2.0)(REC)) == pytest.approx((0 + 4 + 16) / 3 / 4)


def test_masks_weigh_samples():
    assert float(trace_mse("a.v", [1.0, 0.0, 0.0], mask=[True, True, False])(REC)) == pytest.approx(2.0)
    assert float(trace_mse("a.v", [1.0, 0.0, 0.0], mask=[0.0, 1.0, 3.0])(REC)) == pytest.approx((4 + 3 * 16) / 4)


def test_labels_count_alike_whatever_their_length():
    loss = trace_mse(["a.v", "b.v"], {"a.v": [1.0, 0.0, 0.0], "b.v": [3.0, 3.0]}, scale={"a.v": 1.0, "b.v": 3.0})
    assert float(loss(REC)) == pytest.approx((20 / 3 + 1.0) / 2)
    assert float(trace_mse(["a.v", "b.v"], [[1.0, 0.0, 0.0], [3.0, 3.0]])(REC)) == pytest.approx((20 / 3 + 9.0) / 2)


def test_missing_data_under_the_mask_stay_out_of_value_and_gradient():
    loss = trace_mse("a.v", [1.0, np.nan, 0.0], mask=[1, 0, 1])
    value, gradient = jax.value_and_grad(lambda v: loss({"a.v": v}))(REC["a.v"])
    assert float(value) == pytest.approx(8.0)
    np.testing.assert_allclose(gradient, [0.0, 0.0, 4.0])


def test_the_description_tells_losses_apart():
    base = trace_mse("a.v", [1.0, 0.0, 0.0])
    assert base.describe() == trace_mse("a.v", [1.0, 0.0, 0.0]).describe()
    others = [
        trace_mse("b.v", [1.0, 0.0, 0.0]),
        trace_mse("a.v", [1.0, 0.0, 1e-12]),
        trace_mse("a.v", [1.0, 0.0, 0.0], scale=2.0),
        trace_mse("a.v", [1.0, 0.0, 0.0], mask=[1, 1, 0]),
    ]
    assert len({loss.describe() for loss in [base, *others]}) == 5


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (([], [1.0]), "at least one label"),
        (("a.v", [[1.0]]), "vectors of the same length"),
        (("a.v", [1.0, 2.0], [True]), "vectors of the same length"),
        (("a.v", [1.0], [0.0]), "at least one sample"),
        (("a.v", [1.0], [-1.0]), "at least one sample"),
        (("a.v", [np.nan]), "not finite"),
        (("a.v", [1.0], None, 0.0), "scale 0"),
        ((["a.v", "b.v"], [[1.0]]), "2 labels but 1 targets"),
        (("a.v", {"b.v": [1.0]}), "no target for 'a.v'"),
        (("a.v", [1.0], {"b.v": [True]}), "leave out 'a.v'"),
    ],
)
def test_targets_without_sense_are_refused(args, message):
    with pytest.raises(FitError, match=message):
        trace_mse(*args)


def test_a_recording_that_does_not_match_is_refused():
    with pytest.raises(FitError, match=r"'c\.v' is not in the recording; it has a\.v, b\.v"):
        trace_mse("c.v", [1.0])(REC)
    with pytest.raises(FitError, match=r"shape \(3,\) but the target \(1,\)"):
        trace_mse("a.v", [1.0])(REC)
