// Serialization orders: making the tables of one side, and putting a whole image into its order.
#include "stage/sample_order.h"

namespace onpath {
namespace {

template <class T>
uint64_t vector_bytes(const std::vector<T>& v) {
  return v.size() * sizeof(T);
}

uint64_t axis_bytes(const AxisOrder& axis) {
  return vector_bytes(axis.position) + vector_bytes(axis.band) + vector_bytes(axis.run_end) +
         vector_bytes(axis.band_begin);
}

/// One row of one channel, with the columns that travel.
uint8_t* take_channel(const SampleOrder& order, const uint8_t* row, uint8_t* out) {
  const AxisOrder& columns = order.columns;
  const size_t channels = order.channels;
  for (uint32_t c = 0; c < columns.sent();) {
    const uint32_t end = columns.run_end[c];
    const uint8_t* src = row + columns.position[c] * channels;
    for (; c < end; ++c, src += channels) *out++ = *src;
  }
  return out;
}

void serialize_planes(const SampleOrder& order, const uint8_t* image, uint64_t stride, uint8_t* out) {
  for (uint32_t channel = 0; channel < order.channels; ++channel) {
    for (const uint32_t row : order.rows.position) {
      out = take_channel(order, image + row * stride + channel, out);
    }
  }
}

}  // namespace

uint32_t AxisOrder::widest_band() const {
  uint32_t most = 0;
  for (uint32_t b = 0; b < bands(); ++b) most = std::max(most, band_size(b));
  return most;
}

AxisOrder make_axis_order(std::span<const uint32_t> band_of) {
  AxisOrder axis;
  axis.size = static_cast<uint32_t>(band_of.size());
  for (uint32_t at = 0; at < axis.size; ++at) {
    if (band_of[at] == AxisOrder::kNotSent) continue;
    if (band_of[at] == axis.band_begin.size()) axis.band_begin.push_back(axis.sent());
    axis.position.push_back(at);
    axis.band.push_back(band_of[at]);
  }
  axis.band_begin.push_back(axis.sent());
  axis.run_end.resize(axis.sent());
  for (uint32_t i = axis.sent(); i-- > 0;) {
    const bool joins = i + 1 < axis.sent() && axis.position[i + 1] == axis.position[i] + 1;
    axis.run_end[i] = joins ? axis.run_end[i + 1] : i + 1;
  }
  return axis;
}

uint64_t SampleOrder::table_bytes() const { return axis_bytes(rows) + axis_bytes(columns); }

void serialize(const SampleOrder& order, const uint8_t* image, uint64_t stride, uint8_t* out) {
  if (order.planar) return serialize_planes(order, image, stride, out);
  const AxisOrder& rows = order.rows;
  const AxisOrder& columns = order.columns;
  const uint64_t channels = order.channels;
  for (uint32_t row_band = 0; row_band < rows.bands(); ++row_band) {
    for (uint32_t band = 0; band < columns.bands(); ++band) {
      for (uint32_t r = rows.band_begin[row_band]; r < rows.band_begin[row_band + 1]; ++r) {
        const uint8_t* line = image + rows.position[r] * stride;
        for (uint32_t c = columns.band_begin[band]; c < columns.band_begin[band + 1];) {
          const uint32_t end = std::min(columns.run_end[c], columns.band_begin[band + 1]);
          const size_t n = (end - c) * channels;
          copy_piece(line + columns.position[c] * channels, n, out);
          out += n;
          c = end;
        }
      }
    }
  }
}

}  // namespace onpath
