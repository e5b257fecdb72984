// What a plan knows about its own cost, and its distinct tables.
#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "plan/coverage.h"
#include "plan/fold.h"
#include "plan/order.h"
#include "plan/step.h"
#include "stage/reorder.h"
#include "stage/tile_lerp.h"

namespace onpath {
namespace {

constexpr uint64_t kProgramStateBytes = 1024;  // the objects that hold coverage and stages together

template <class T>
uint64_t vector_bytes(const std::vector<T>& v) {
  return v.size() * sizeof(T);
}

template <class Table>
uint32_t add_to(std::vector<const Table*>* tables, const Table& table) {
  for (size_t i = 0; i < tables->size(); ++i) {
    if (*(*tables)[i] == table) return static_cast<uint32_t>(i);
  }
  tables->push_back(&table);
  return static_cast<uint32_t>(tables->size() - 1);
}

uint64_t out_bytes_of(const Step& step) {
  if (const auto* select = std::get_if<SelectStep>(&step.what))
    return uint64_t{select->out_width} * select->out_height * select->channels;
  if (const auto* resize = std::get_if<NamedResizeStep>(&step.what))
    return resize->out_row_bytes() * resize->out_height;
  if (const auto* gather = std::get_if<NamedGatherStep>(&step.what))
    return gather->out_row_bytes() * gather->y->out_size;
  if (const auto* ycbcr = std::get_if<YcbcrStep>(&step.what)) return ycbcr->out_bytes();
  return std::get<FoldedMapStep>(step.what).out_bytes();
}

}  // namespace

YcbcrStep make_ycbcr_step(uint32_t width, uint32_t height, YcbcrMatrix matrix, YcbcrRange range) {
  YcbcrStep step;
  step.width = width;
  step.height = height;
  step.matrix = matrix;
  step.range = range;
  const bool bt601 = matrix == YcbcrMatrix::bt601;
  step.tables = std::make_shared<const YcbcrTables>(
      ycbcr_tables(bt601 ? 2990 : 2126, bt601 ? 1140 : 722, range == YcbcrRange::studio));
  return step;
}

CompiledPlan::CompiledPlan(const ImageInput& input, std::string output_name, PixelFormat output_format,
                           std::vector<Step> steps)
    : steps_(std::move(steps)) {
  input_ = row_major_format(input.width, input.height, input.format);
  edge_bytes_ = input_.bytes;
  const auto* crop = std::get_if<SelectStep>(&steps_.front().what);
  read_bytes_ = crop == nullptr ? input_.bytes : crop->kept_bytes();
  order_ = make_order(input, steps_);
  if (order_ != nullptr) take_order(input);
  input_.order = input.order;
  input_.skip_unread = input.skip_unread;

  const FoldedMapStep& place = last();
  output_.name = std::move(output_name);
  output_.format = output_format;
  output_.dtype = place.map.dtype;
  output_.layout = place.planar ? Layout::chw : Layout::hwc;
  output_.shape = place.planar ? std::vector<uint32_t>{place.out_channels, place.height, place.width}
                               : std::vector<uint32_t>{place.height, place.width, place.out_channels};
  output_.bytes = place.out_bytes();

  state_bytes_ = kProgramStateBytes + Coverage::memory_bytes(input_.bytes);
  uint64_t only_bytes_need = 0;
  uint64_t ycbcr_bytes = 0;
  DistinctTables tables;
  if (order_ != nullptr && !tile_step_) state_bytes_ += reorder_state_bytes(*order_);
  for (const Step& step : steps_) {
    edge_bytes_ += out_bytes_of(step);
    state_bytes_ += step_state_bytes(static_cast<size_t>(&step - steps_.data()));
    if (const auto* resize = std::get_if<NamedResizeStep>(&step.what)) {
      stage_class_ = StageClass::placed;
      if (resize->x) tables.add(*resize->x);
      if (resize->y) tables.add(*resize->y);
      if (resize->lerps()) tables.add(*resize->lerp_x), tables.add(*resize->lerp_y);
    } else if (const auto* gather = std::get_if<NamedGatherStep>(&step.what)) {
      tables.add(*gather->x), tables.add(*gather->y);
    } else if (const auto* map = std::get_if<FoldedMapStep>(&step.what)) {
      for (uint32_t t = 0; t < map->out_channels; ++t) tables.add(map->map, t);
    } else if (const auto* ycbcr = std::get_if<YcbcrStep>(&step.what)) {
      only_bytes_need = to_rgb_state_bytes(*ycbcr) - to_rgb_whole_state_bytes(*ycbcr);
      ycbcr_bytes = sizeof(YcbcrTables);
    }
  }
  // Packets hold whole elements, so that what has come is noted element by element.
  only_bytes_need +=
      Coverage::memory_bytes(input_.bytes) - Coverage::memory_bytes(input_.bytes / input_.element_bytes);
  packet_state_bytes_ = state_bytes_ - only_bytes_need;
  table_bytes_ = tables.bytes() + ycbcr_bytes + (order_ == nullptr ? 0 : order_->table_bytes());
  hash_ = sha256(write_plan(*this));
}

void CompiledPlan::take_order(const ImageInput& input) {
  tile_step_ = find_tile_step(input, steps_);
  input_.row_major = is_row_major(order_.get());
  if (order_->planar) input_.element_bytes = 1;
  input_.bytes = order_->bytes();
  read_bytes_ = std::min(read_bytes_, input_.bytes);
  input_.text = format_text(input_.format, order_.get());
  input_.digest = format_digest(input_.text);
}

uint64_t CompiledPlan::step_state_bytes(size_t i) const {
  if (absorbed(i)) return 0;
  const Step& step = steps_[i];
  if (tile_step_ == i) return tile_lerp_state_bytes(std::get<NamedResizeStep>(step.what));
  if (const auto* resize = std::get_if<NamedResizeStep>(&step.what))
    return resize_cost(*resize, resize->state).state_bytes;
  if (const auto* gather = std::get_if<NamedGatherStep>(&step.what)) return gather_state_bytes(*gather);
  if (std::holds_alternative<SelectStep>(step.what)) return select_state_bytes();
  if (const auto* ycbcr = std::get_if<YcbcrStep>(&step.what)) return to_rgb_state_bytes(*ycbcr);
  return i + 1 == steps_.size() ? place_state_bytes() : map_state_bytes(std::get<FoldedMapStep>(step.what));
}

std::vector<uint8_t> CompiledPlan::to_bytes() const {
  std::vector<uint8_t> bytes = write_plan(*this);
  bytes.insert(bytes.end(), hash_.begin(), hash_.end());
  return bytes;
}

std::string format_text(PixelFormat format) {
  return "onpath-sample/1 dtype=uint8 channels=" + std::string(pixel_format_name(format)) +
         " order=row-major";
}

uint32_t format_digest(const std::string& text) {
  return load_be32(sha256({reinterpret_cast<const uint8_t*>(text.data()), text.size()}).data());
}

SampleFormat row_major_format(uint32_t width, uint32_t height, PixelFormat format) {
  SampleFormat result;
  result.width = width;
  result.height = height;
  result.format = format;
  result.element_bytes = pixel_group_bytes(format);
  result.bytes = uint64_t{width} * height * pixel_format_channels(format);
  result.text = format_text(format);
  result.digest = format_digest(result.text);
  return result;
}

std::string edge_limit_text(uint64_t edge_bytes) {
  return "The images between input and output have " + std::to_string(edge_bytes) +
         " bytes together; expected at most " + std::to_string(kMaxEdgeBytes) +
         ". Use smaller sizes or fewer steps.";
}

uint32_t DistinctTables::add(const ResampleWeights& weights) { return add_to(&resample, weights); }

uint32_t DistinctTables::add(const LerpWeights& weights) { return add_to(&lerp, weights); }

uint32_t DistinctTables::add(const NearestPositions& positions) { return add_to(&nearest, positions); }

uint32_t DistinctTables::add(const ValueMap& map, uint32_t table) {
  const size_t bytes = 256 * dtype_bytes(map.dtype);
  const auto entries = std::span(map.data).subspan(table * bytes, bytes);
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].dtype == map.dtype &&
        std::equal(entries.begin(), entries.end(), values[i].entries.begin())) {
      return static_cast<uint32_t>(i);
    }
  }
  values.push_back({map.dtype, entries});
  return static_cast<uint32_t>(values.size() - 1);
}

uint64_t DistinctTables::bytes() const {
  uint64_t bytes = 0;
  for (const ResampleWeights* weights : resample) bytes += stored_bytes(*weights);
  for (const LerpWeights* weights : lerp) bytes += stored_bytes(*weights);
  for (const NearestPositions* positions : nearest) bytes += stored_bytes(*positions);
  for (const Values& v : values) bytes += v.entries.size();
  return bytes;
}

uint64_t stored_bytes(const ResampleWeights& w) {
  return vector_bytes(w.first) + vector_bytes(w.count) + vector_bytes(w.row) + vector_bytes(w.weights);
}

uint64_t stored_bytes(const LerpWeights& w) {
  return vector_bytes(w.i0) + vector_bytes(w.i1) + vector_bytes(w.w0) + vector_bytes(w.w1);
}

uint64_t stored_bytes(const NearestPositions& positions) { return vector_bytes(positions.position); }

}  // namespace onpath
