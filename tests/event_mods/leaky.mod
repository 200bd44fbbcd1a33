: A leaky cell with an absolute refractory period, which sends as soon as its sum reaches 1.
NEURON { ARTIFICIAL_CELL Leaky RANGE tau, refrac, m, t0, fired }
PARAMETER { tau = 8 (ms) refrac = 1.7 (ms) }
ASSIGNED { m t0 (ms) ready fired }
INITIAL { m = 0 t0 = 0 ready = 1 fired = 0 }
NET_RECEIVE(w, uses) {
    INITIAL { uses = 1 }
    if (flag == 1) {
        ready = 1 m = 0
        t0 = t
    } else if (ready) {
        m = m*exp(-(t - t0)/tau) + w*uses
        uses = 0.7 + 0.3*uses*uses/(1 + uses)
        t0 = t
        if (m > 1) {
            ready = 0 fired = fired + 1
            net_event(t)
            net_send(refrac, 1)
        }
    }
}
