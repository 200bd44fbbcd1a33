// The tree solve of NEURON's fixed step (triang and bksub in src/nrnoc/solve.cpp), on one core, for any number of systems.
//
// Row i:  d[i] x[i] + b[i] x[parent(i)] + sum over children c of a[c] x[c] = rhs[i].
// Every array is [n, m] with m = 1 or the number of systems; `visit` lists the rows with parents before children.
#include <cstdint>
#include <utility>
#include <vector>

#include "rows.h"
#include "xla/ffi/api/ffi.h"

namespace {

template <bool kSingle>
void solve(int64_t n, int64_t systems, const int32_t* visit, const int32_t* parent, const Rows<kSingle>& a,
           const Rows<kSingle>& b, const Rows<kSingle>& d, const Rows<kSingle>& rhs, double* x) {
    const int64_t m = kSingle ? 1 : systems;
    thread_local std::vector<double> scratch;
    scratch.resize(n * m);
    double* diagonal = scratch.data();
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t k = 0; k < m; ++k) {
            diagonal[i * m + k] = d(i, k);
            x[i * m + k] = rhs(i, k);
        }
    }
    for (int64_t at = n - 1; at >= 0; --at) {
        const int64_t i = visit[at], p = parent[i];
        if (p < 0) {
            continue;
        }
        for (int64_t k = 0; k < m; ++k) {
            const double factor = a(i, k) / diagonal[i * m + k];
            diagonal[p * m + k] -= factor * b(i, k);
            x[p * m + k] -= factor * x[i * m + k];
        }
    }
    for (int64_t at = 0; at < n; ++at) {
        const int64_t i = visit[at], p = parent[i];
        for (int64_t k = 0; k < m; ++k) {
            const double above = p < 0 ? 0.0 : b(i, k) * x[p * m + k];
            x[i * m + k] = (x[i * m + k] - above) / diagonal[i * m + k];
        }
    }
}

template <bool kSingle>
void run(int64_t n, int64_t m, const Ints& visit, const Ints& parent, const Doubles& a, const Doubles& b, const Doubles& d,
         const Doubles& rhs, double* x) {
    using R = Rows<kSingle>;
    solve<kSingle>(n, m, visit.typed_data(), parent.typed_data(), R(a, n), R(b, n), R(d, n), R(rhs, n), x);
}

ffi::Error TreeSolve(Ints visit, Ints parent, Doubles a, Doubles b, Doubles d, Doubles rhs, ffi::Result<Doubles> x,
                     bool transposed) {
    const int64_t n = parent.element_count();
    if (n == 0) {
        return ffi::Error::Success();
    }
    const int64_t m = static_cast<int64_t>(x->element_count()) / n;
    if (transposed) {
        std::swap(a, b);
    }
    (m == 1 ? run<true> : run<false>)(n, m, visit, parent, a, b, d, rhs, x->typed_data());
    return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(nrn_diff_tree_solve, TreeSolve,
                              ffi::Ffi::Bind()
                                  .Arg<Ints>()
                                  .Arg<Ints>()
                                  .Arg<Doubles>()
                                  .Arg<Doubles>()
                                  .Arg<Doubles>()
                                  .Arg<Doubles>()
                                  .Ret<Doubles>()
                                  .Attr<bool>("transposed"));
