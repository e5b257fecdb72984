// From steps to bands of rows and columns.
#include "plan/order.h"

#include <algorithm>

#include "base/big_endian.h"
#include "stage/resize_layout.h"
#include "stage/tile_lerp.h"

namespace onpath {
namespace {

constexpr uint32_t kUnread = UINT32_MAX;

/// For each row (or column) of the image the first output row of the first resize that reads it, or kUnread;
/// without a resize, 0 for what the crops keep.
class FirstUse {
 public:
  explicit FirstUse(uint32_t size) : use_(size, kUnread), end_(size) {}

  /// A window of `size` from `start` of what is there.
  void crop(int64_t start, uint32_t size) {
    start_ += start;
    begin_ = std::max(begin_, start_);
    end_ = std::min(end_, start_ + int64_t{size});
  }
  std::vector<uint32_t> read_all() {
    for (int64_t at = begin_; at < end_; ++at) use_[static_cast<size_t>(at)] = 0;
    return std::move(use_);
  }
  std::vector<uint32_t> read_by(const RowWindows& windows) {
    for (int64_t at = begin_; at < end_; ++at) {
      const auto row = static_cast<size_t>(at - start_);
      if (windows.reader_begin[row] < windows.reader_end[row]) {
        use_[static_cast<size_t>(at)] = windows.reader_begin[row];
      }
    }
    return std::move(use_);
  }

 private:
  std::vector<uint32_t> use_;
  int64_t start_ = 0;  // row of the image that is row 0 of what is there
  int64_t begin_ = 0;  // rows of the image that are still there
  int64_t end_;
};

/// First uses, to bands that count up from 0.
std::vector<uint32_t> bands(std::span<const uint32_t> use, bool tiles, bool skip_unread) {
  std::vector<uint32_t> band(use.size(), AxisOrder::kNotSent);
  uint32_t count = 0;
  uint32_t last_use = kUnread;
  size_t unplaced = 0;  // unread ones before this stand in a band
  for (size_t at = 0; at < use.size(); ++at) {
    if (use[at] == kUnread) continue;
    if (count == 0 || (tiles && use[at] != last_use)) ++count;
    last_use = use[at];
    for (size_t i = skip_unread ? at : unplaced; i <= at; ++i) band[i] = count - 1;
    unplaced = at + 1;
  }
  if (!skip_unread && unplaced < use.size()) {
    if (tiles || count == 0) ++count;
    for (; unplaced < use.size(); ++unplaced) band[unplaced] = count - 1;
  }
  return band;
}

bool all_sent(const SampleOrder& order) { return order.rows.all_sent() && order.columns.all_sent(); }

void add_bands(const AxisOrder& axis, bool as_one, std::vector<uint8_t>* bytes) {
  std::vector<uint32_t> band_of(axis.size, AxisOrder::kNotSent);
  for (uint32_t i = 0; i < axis.sent(); ++i) band_of[axis.position[i]] = as_one ? 0 : axis.band[i];
  for (const uint32_t band : band_of) {
    uint8_t word[4];
    store_be32(word, band);
    bytes->insert(bytes->end(), word, word + 4);
  }
}

/// What a receiver must know of the order beyond its name: the first 8 bytes of a hash of every band.
std::string bands_hash(const SampleOrder& order) {
  std::vector<uint8_t> bytes;
  for (const uint32_t size : {order.columns.size, order.rows.size}) {
    uint8_t word[4];
    store_be32(word, size);
    bytes.insert(bytes.end(), word, word + 4);
  }
  add_bands(order.rows, order.row_by_row(), &bytes);
  add_bands(order.columns, order.row_by_row(), &bytes);
  return hash_hex(sha256(bytes)).substr(0, 16);
}

}  // namespace

std::shared_ptr<const SampleOrder> make_order(const ImageInput& input, std::span<const Step> steps) {
  const bool planar = input.order == SerializationOrder::planar && pixel_format_channels(input.format) > 1;
  if (input.order != SerializationOrder::tile_major && !planar && !input.skip_unread) return nullptr;
  FirstUse rows(input.height);
  FirstUse columns(input.width);
  std::optional<RowWindows> row_windows, column_windows;
  for (const Step& step : steps) {
    if (const auto* select = std::get_if<SelectStep>(&step.what)) {
      rows.crop(select->top, select->out_height);
      columns.crop(select->left, select->out_width);
    }
    if (const auto* resize = std::get_if<NamedResizeStep>(&step.what)) {
      row_windows = vertical_windows(*resize);
      column_windows = horizontal_windows(*resize);
      break;
    }
    if (const auto* gather = std::get_if<NamedGatherStep>(&step.what)) {
      row_windows = windows_of(*gather->y);
      column_windows = windows_of(*gather->x);
      break;
    }
  }
  const bool tiles = input.order == SerializationOrder::tile_major && row_windows;
  const auto row_use = row_windows ? rows.read_by(*row_windows) : rows.read_all();
  const auto column_use = column_windows ? columns.read_by(*column_windows) : columns.read_all();
  auto order = std::make_shared<SampleOrder>();
  order->channels = pixel_format_channels(input.format);
  order->planar = planar;
  order->rows = make_axis_order(bands(row_use, tiles, input.skip_unread));
  order->columns = make_axis_order(bands(column_use, tiles, input.skip_unread));
  if (is_row_major(order.get()) && !find_tile_step(input, steps)) return nullptr;
  return order;
}

bool is_row_major(const SampleOrder* order) {
  return order == nullptr || (!order->planar && order->row_by_row() && all_sent(*order));
}

Result<void> check_order(const ImageInput& input) {
  if (input.order > SerializationOrder::tile_major) {
    return Error{ErrorCode::INVALID_SPEC,
                 "input.order is unknown; expected row-major, planar or tile-major."};
  }
  if (input.format != PixelFormat::uyvy) return {};
  if (input.order == SerializationOrder::row_major && !input.skip_unread) return {};
  return Error{ErrorCode::UNSUPPORTED,
               "input.order is " + std::string(order_name(input.order)) +
                   (input.skip_unread ? " with skipUnread" : "") +
                   "; expected row-major without skipUnread, as pixels of uyvy share bytes. Leave both out."};
}

Result<void> check_order(const CompiledPlan& plan) {
  if (plan.input().bytes > 0) return {};
  return Error{
      ErrorCode::INVALID_SPEC,
      "input.skipUnread is true, but no output reads any pixel; expected at least one. Crop inside the "
      "image, or leave skipUnread out."};
}

std::string_view order_name(SerializationOrder order) {
  switch (order) {
    case SerializationOrder::row_major:
      return "row-major";
    case SerializationOrder::planar:
      return "planar";
    case SerializationOrder::tile_major:
      return "tile-major";
  }
  return "unknown";
}

std::string format_text(PixelFormat format, const SampleOrder* order) {
  std::string text = format_text(format);
  if (is_row_major(order)) return text;
  const bool tiles = !order->row_by_row();
  text.resize(text.rfind('=') + 1);
  text += order_name(order->planar ? SerializationOrder::planar
                     : tiles       ? SerializationOrder::tile_major
                                   : SerializationOrder::row_major);
  const bool all = all_sent(*order);
  if (all && !tiles) return text;
  return text + (all ? " unread=sent" : " unread=skipped") + " bands=" + bands_hash(*order);
}

std::optional<size_t> find_tile_step(const ImageInput& input, std::span<const Step> steps) {
  if (input.order != SerializationOrder::tile_major) return std::nullopt;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (const auto* select = std::get_if<SelectStep>(&steps[i].what); select != nullptr && select->pads()) {
      return std::nullopt;
    }
    if (std::holds_alternative<NamedGatherStep>(steps[i].what)) return std::nullopt;
    if (const auto* resize = std::get_if<NamedResizeStep>(&steps[i].what)) {
      return takes_tiles(*resize) ? std::optional(i) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace onpath
