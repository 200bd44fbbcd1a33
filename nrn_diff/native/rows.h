// Arrays of the kernels: [rows, m] with m = 1 or the number of systems.
#pragma once

#include <cstdint>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;
using Doubles = ffi::Buffer<ffi::F64>;
using Ints = ffi::Buffer<ffi::S32>;

// One array whose rows hold either one number for all systems or one for each; kSingle: there is one system.
template <bool kSingle>
struct Rows {
    const double* data;
    int64_t step;
    int64_t each;
    Rows(const Doubles& array, int64_t n)
        : data(array.typed_data())
        , step(n ? static_cast<int64_t>(array.element_count()) / n : 0)
        , each(step > 1) {}
    double operator()(int64_t row, int64_t k) const {
        return kSingle ? data[row] : data[row * step + k * each];
    }
};
