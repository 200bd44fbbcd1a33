// Gathers and sums along several incidences at once (nrn_diff/solver/incidence.py), on one core, for any number of systems.
//
// target lists for each source row its target row, -1 for none, incidence after incidence. Arrays are [rows, m].
#include <algorithm>
#include <cstdint>

#include "rows.h"
#include "xla/ffi/api/ffi.h"

namespace {

// Rows of one system, apart from those of many: an inner loop of one round costs more than what it does.
void gather_one(int64_t n, const int32_t* row, const double* in, double* out) {
    for (int64_t i = 0; i < n; ++i) {
        out[i] = row[i] < 0 ? 0.0 : in[row[i]];
    }
}

void sum_one(int64_t n, const int32_t* row, const double* in, double* out) {
    for (int64_t i = 0; i < n; ++i) {
        if (row[i] >= 0) {
            out[row[i]] += in[i];
        }
    }
}

// arguments: one array or more; results: for each of them one for each incidence.
ffi::Error Gather(Ints target, ffi::RemainingArgs xs, ffi::RemainingRets ys) {
    const size_t incidences = xs.size() ? ys.size() / xs.size() : 0;
    for (size_t j = 0; j < xs.size(); ++j) {
        const Doubles x = *xs.get<Doubles>(j);
        const double* in = x.typed_data();
        const int32_t* row = target.typed_data();
        for (size_t g = 0; g < incidences; ++g) {
            Doubles y = **ys.get<Doubles>(j * incidences + g);
            const int64_t n = y.dimensions()[0], m = n ? static_cast<int64_t>(y.element_count()) / n : 0;
            double* out = y.typed_data();
            if (m == 1) {
                gather_one(n, row, in, out);
            }
            for (int64_t i = 0; m > 1 && i < n; ++i) {
                for (int64_t k = 0; k < m; ++k) {
                    out[i * m + k] = row[i] < 0 ? 0.0 : in[row[i] * m + k];
                }
            }
            row += n;
        }
    }
    return ffi::Error::Success();
}

// arguments: for each result one array for each incidence.
ffi::Error Sum(Ints target, ffi::RemainingArgs ys, ffi::RemainingRets xs) {
    const size_t incidences = xs.size() ? ys.size() / xs.size() : 0;
    for (size_t j = 0; j < xs.size(); ++j) {
        Doubles x = **xs.get<Doubles>(j);
        double* out = x.typed_data();
        std::fill_n(out, x.element_count(), 0.0);
        const int32_t* row = target.typed_data();
        for (size_t g = 0; g < incidences; ++g) {
            const Doubles y = *ys.get<Doubles>(j * incidences + g);
            const int64_t n = y.dimensions()[0], m = n ? static_cast<int64_t>(y.element_count()) / n : 0;
            const double* in = y.typed_data();
            if (m == 1) {
                sum_one(n, row, in, out);
            }
            for (int64_t i = 0; m > 1 && i < n; ++i) {
                for (int64_t k = 0; row[i] >= 0 && k < m; ++k) {
                    out[row[i] * m + k] += in[i * m + k];
                }
            }
            row += n;
        }
    }
    return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(nrn_diff_gather, Gather, ffi::Ffi::Bind().Arg<Ints>().RemainingArgs().RemainingRets());
XLA_FFI_DEFINE_HANDLER_SYMBOL(nrn_diff_sum, Sum, ffi::Ffi::Bind().Arg<Ints>().RemainingArgs().RemainingRets());
