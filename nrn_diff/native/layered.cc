// The tree solve with the extracellular layers of NEURON (src/nrnoc/extcelln.cpp): blocks of 1 + layers unknowns at the
// layered rows, single numbers elsewhere; on one core, for any number of systems.
//
// Unknown of layer 0 (inside) of row i: i; of layer k of layered row e: n + e * layers + k - 1. An unknown is coupled to
// the same layer of the parent row by a and b, to the next layer inward by c. Arrays are [unknowns, m], c [outer, m].
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "rows.h"
#include "xla/ffi/api/ffi.h"

namespace {

// Gauss-Jordan without a search for pivots: the blocks of a current balance are diagonally dominant.
template <int kSize>
void invert(double* d) {
    for (int k = 0; k < kSize; ++k) {
        const double scale = 1.0 / d[k * kSize + k];
        d[k * kSize + k] = 1.0;
        for (int j = 0; j < kSize; ++j) {
            d[k * kSize + j] *= scale;
        }
        for (int i = 0; i < kSize; ++i) {
            if (i != k) {
                const double factor = d[i * kSize + k];
                d[i * kSize + k] = 0.0;
                for (int j = 0; j < kSize; ++j) {
                    d[i * kSize + j] -= factor * d[k * kSize + j];
                }
            }
        }
    }
}

struct Tree {
    int64_t n;
    int64_t systems;
    const int32_t* visit;
    const int32_t* parent;
    const int32_t* layered;
};

template <int kLayers, bool kSingle>
void solve(const Tree& tree, const Rows<kSingle>& a, const Rows<kSingle>& b, const Rows<kSingle>& d,
           const Rows<kSingle>& c, const Rows<kSingle>& rhs, int64_t unknowns, double* x) {
    constexpr int kSize = kLayers + 1;
    const int64_t m = kSingle ? 1 : tree.systems;
    const auto unknown = [&](int64_t row, int layer) {
        return layer == 0 ? row : tree.n + tree.layered[row] * int64_t{kLayers} + layer - 1;
    };
    // Matrices of the rows as they are eliminated: a number, or a block.
    thread_local std::vector<int64_t> start;
    thread_local std::vector<double> scratch;
    start.resize(tree.n + 1);
    start[0] = 0;
    for (int64_t i = 0; i < tree.n; ++i) {
        start[i + 1] = start[i] + (tree.layered[i] < 0 ? 1 : kSize * kSize) * m;
    }
    scratch.assign(start[tree.n], 0.0);
    for (int64_t i = 0; i < unknowns; ++i) {
        for (int64_t k = 0; k < m; ++k) {
            x[i * m + k] = rhs(i, k);
        }
    }
    for (int64_t i = 0; i < tree.n; ++i) {
        const int size = tree.layered[i] < 0 ? 1 : kSize;
        for (int64_t k = 0; k < m; ++k) {
            double* block = &scratch[start[i] + k * size * size];
            for (int layer = 0; layer < size; ++layer) {
                const int64_t u = unknown(i, layer);
                block[layer * size + layer] = d(u, k);
                if (layer > 0) {
                    block[layer * size + layer - 1] = block[(layer - 1) * size + layer] = c(u - tree.n, k);
                }
            }
        }
    }
    for (int64_t at = tree.n - 1; at >= 0; --at) {
        const int64_t i = tree.visit[at], p = tree.parent[i];
        const int size = tree.layered[i] < 0 ? 1 : kSize;
        const int above = p < 0 || tree.layered[p] < 0 ? 1 : kSize;
        const int common = std::min(size, above);
        for (int64_t k = 0; k < m; ++k) {
            double* block = &scratch[start[i] + k * size * size];
            if (size == 1) {
                block[0] = 1.0 / block[0];
            } else {
                invert<kSize>(block);
            }
            if (p < 0) {
                continue;
            }
            double* upper = &scratch[start[p] + k * above * above];
            for (int row = 0; row < common; ++row) {
                const int64_t u = unknown(i, row);
                const double from = a(u, k);
                double moved = 0.0;
                for (int column = 0; column < size; ++column) {
                    moved += block[row * size + column] * x[unknown(i, column) * m + k];
                }
                x[unknown(p, row) * m + k] -= from * moved;
                for (int column = 0; column < common; ++column) {
                    upper[row * above + column] -= from * block[row * size + column] * b(unknown(i, column), k);
                }
            }
        }
    }
    for (int64_t at = 0; at < tree.n; ++at) {
        const int64_t i = tree.visit[at], p = tree.parent[i];
        const int size = tree.layered[i] < 0 ? 1 : kSize;
        const int common = p < 0 ? 0 : tree.layered[p] < 0 ? 1 : size;
        for (int64_t k = 0; k < m; ++k) {
            const double* block = &scratch[start[i] + k * size * size];
            double right[kSize];
            for (int layer = 0; layer < size; ++layer) {
                const int64_t u = unknown(i, layer);
                right[layer] = x[u * m + k];
                if (layer < common) {
                    right[layer] -= b(u, k) * x[unknown(p, layer) * m + k];
                }
            }
            for (int row = 0; row < size; ++row) {
                double sum = 0.0;
                for (int column = 0; column < size; ++column) {
                    sum += block[row * size + column] * right[column];
                }
                x[unknown(i, row) * m + k] = sum;
            }
        }
    }
}

template <int kLayers, bool kSingle>
void run(const Tree& tree, const Doubles& a, const Doubles& b, const Doubles& d, const Doubles& c, const Doubles& rhs,
         int64_t unknowns, double* x) {
    using R = Rows<kSingle>;
    const int64_t outer = unknowns - tree.n;
    solve<kLayers, kSingle>(tree, R(a, unknowns), R(b, unknowns), R(d, unknowns), R(c, outer), R(rhs, unknowns),
                            unknowns, x);
}

ffi::Error LayeredSolve(Ints visit, Ints parent, Ints layered, Doubles a, Doubles b, Doubles d, Doubles c, Doubles rhs,
                        ffi::Result<Doubles> x, int32_t layers, bool transposed) {
    const int64_t n = parent.element_count(), unknowns = x->dimensions()[0];
    if (n == 0) {
        return ffi::Error::Success();
    }
    const int64_t m = static_cast<int64_t>(x->element_count()) / unknowns;
    const Tree tree{n, m, visit.typed_data(), parent.typed_data(), layered.typed_data()};
    if (transposed) {
        std::swap(a, b);
    }
    const auto start = layers == 1 ? (m == 1 ? run<1, true> : run<1, false>)
                       : layers == 2 ? (m == 1 ? run<2, true> : run<2, false>)
                                     : (m == 1 ? run<3, true> : run<3, false>);
    start(tree, a, b, d, c, rhs, unknowns, x->typed_data());
    return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(nrn_diff_layered_solve, LayeredSolve,
                              ffi::Ffi::Bind()
                                  .Arg<Ints>()
                                  .Arg<Ints>()
                                  .Arg<Ints>()
                                  .Arg<Doubles>()
                                  .Arg<Doubles>()
                                  .Arg<Doubles>()
                                  .Arg<Doubles>()
                                  .Arg<Doubles>()
                                  .Ret<Doubles>()
                                  .Attr<int32_t>("layers")
                                  .Attr<bool>("transposed"));
