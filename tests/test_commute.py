"""Which events of one time commute: read off NET_RECEIVE, flag by flag."""

import mod_translator
from nrn_diff.solver.commute import commuting, spikes_commute

SYNAPSE = """
NEURON { POINT_PROCESS S RANGE a, b, last, on }
ASSIGNED { a b last on k }
INITIAL { net_send(1, 1) net_send(1, 2) net_send(1, 3) net_send(1, 4) net_send(1, 5) net_send(1, 6) }
FUNCTION f(x) { f = x*k }
PROCEDURE other() { k = 2 }
NET_RECEIVE(w, u) {
    LOCAL x
    if (flag == 0) {
        u = u + t
        x = f(w)
        a = a + x*u - 1
    } else if (flag == 1 || flag > 5) {
        net_send(b, 1)
    } else if (!(flag != 2)) {
        b = b + 1
    } else if (flag == 3) {
        other()
    } else if (flag < 5) {
        last = t
    } else {
        a = 2*a + w
    }
}
"""


def test_what_commutes_is_read_off_net_receive():
    found = commuting(mod_translator.translate(SYNAPSE).ir)
    assert found.flags == (0, 1, 2, 3, 4, 5, 6)
    apart, one = found.pairs
    assert (apart == apart.T).all()
    # 0 adds to a what follows from k, which 3 sets; 5 doubles a.
    assert apart[0].tolist() == [True, True, True, False, True, False, True]
    # 1 and 6 send after b, to which 2 adds; what they send can be moved, and which is the last one matters.
    assert apart[1].tolist() == [True, True, False, True, True, True, False]
    assert apart[2].tolist() == [True, False, True, True, True, True, False]
    assert apart[3, 3]  # alike: both set k to 2
    assert apart[4, 4]
    # Of two NetCons with different weights 2*a + w depends on the order, of one NetCon it does not.
    assert not apart[5, 5]
    assert one[5, 5]
    assert one[0, 0]


def test_a_flag_that_is_computed_and_other_sums():
    computed = SYNAPSE.replace("net_send(1, 6)", "net_send(1, a)")
    assert commuting(mod_translator.translate(computed).ir).flags == ()
    assert spikes_commute(mod_translator.translate(SYNAPSE).ir)
    for statement in ("a = a*w + x", "a = x - a", "a = a + x*a", "a = a + b  b = b + w"):
        changed = SYNAPSE.replace("a = a + x*u - 1", statement)
        assert not spikes_commute(mod_translator.translate(changed).ir), statement


CHAIN = """
NEURON { POINT_PROCESS C RANGE code, d }
PARAMETER { d = 0 }
ASSIGNED { code }
INITIAL { net_send(5, 7) net_send(5, 8) }
NET_RECEIVE(w) {
    if (flag == 7) { net_send(d, 3) } else if (flag == 8) { net_send(d, 4) }
    else if (flag == 3) { code = 2*code + 3 } else if (flag == 4) { code = 2*code + 4 }
    else if (flag == 0) { net_send(d, 5) } else if (flag == 5) { code = 2*code + w }
}
"""


def test_what_is_sent_without_delay_must_commute_as_well():
    found = commuting(mod_translator.translate(CHAIN).ir)
    place = found.flags.index
    assert not found.pairs[:, place(7.0), place(8.0)].any()
    assert not found.pairs[0, 0, 0]  # the weights of two NetCons, in the order of what they brought
    assert found.pairs[1, 0, 0]
    later = commuting(mod_translator.translate(CHAIN.replace("net_send(d,", "net_send(0.5,")).ir)
    assert later.pairs[:, place(7.0), place(8.0)].all()  # they are looked at when they are due
    assert later.pairs[0, 0, 0]
