// The plan's byte form. All numbers little-endian; tables stored once each.
//   magic "onpathPL" | u32 version | input | output name | tables | steps | SHA-256 of everything before it
// Reading trusts nothing: every size, index and weight is checked against what running the plan relies on.
#include <algorithm>
#include <cstring>
#include <string>

#include "plan/byte_io.h"
#include "plan/order.h"
#include "plan/resize_bytes.h"
#include "plan/step.h"

namespace onpath {
namespace {

constexpr char kMagic[8] = {'o', 'n', 'p', 'a', 't', 'h', 'P', 'L'};
constexpr uint32_t kVersion = 2;
/// `select` fills with zero; `pad` is a select with other values.
enum class Kind : uint8_t { select = 0, resize = 1, map = 2, to_rgb = 3, pad = 4 };

/// Whether anything but zero lies beyond the image.
bool fills(const SelectStep& step) { return step.fill != std::array<uint8_t, 4>{}; }

/// Reads one plan; the first thing that is wrong is kept as a sentence.
class PlanReader {
 public:
  explicit PlanReader(std::span<const uint8_t> bytes) : in_(bytes) {}
  std::shared_ptr<const CompiledPlan> read();
  const std::string& wrong() const { return wrong_; }

 private:
  bool fail(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
    return false;
  }
  bool read_tables();
  bool read_step(bool last);
  bool read_select(bool pad);
  bool read_to_rgb();
  bool read_resize();
  bool read_map(bool last);
  bool read_size(uint32_t* width, uint32_t* height);

  struct Values {
    DType dtype;
    std::vector<uint8_t> entries;
  };

  ByteReader in_;
  std::string wrong_;
  ResizeTables resize_tables_;
  std::vector<Values> values_;
  std::vector<Step> steps_;
  // The image before the step that is read next.
  uint32_t width_ = 0;
  uint32_t height_ = 0;
  uint32_t channels_ = 0;
  bool uyvy_ = false;
};

std::shared_ptr<const CompiledPlan> PlanReader::read() {
  ImageInput input;
  if (!read_size(&input.width, &input.height)) return nullptr;
  const uint8_t format = in_.number<uint8_t>();
  if (format > static_cast<uint8_t>(PixelFormat::uyvy)) return fail("unknown pixel format"), nullptr;
  input.format = static_cast<PixelFormat>(format);
  const uint8_t order = in_.number<uint8_t>();
  const uint8_t skip_unread = in_.number<uint8_t>();
  if (order > static_cast<uint8_t>(SerializationOrder::tile_major) || skip_unread > 1) {
    return fail("unknown serialization order"), nullptr;
  }
  input.order = static_cast<SerializationOrder>(order);
  input.skip_unread = skip_unread == 1;
  if (!check_order(input)) return fail("a serialization order that the pixel format does not have"), nullptr;
  const uint8_t name_bytes = in_.number<uint8_t>();
  const std::vector<char> name = in_.array<char>(name_bytes);
  if (name.empty() || name.size() > kMaxNameBytes) return fail("output name of a wrong length"), nullptr;

  const uint8_t output_format = in_.number<uint8_t>();
  if (output_format > static_cast<uint8_t>(PixelFormat::rgbx)) return fail("unknown output format"), nullptr;

  width_ = input.width;
  height_ = input.height;
  uyvy_ = input.format == PixelFormat::uyvy;
  channels_ = pixel_format_channels(input.format);
  if (!read_tables()) return nullptr;
  const uint16_t steps = in_.number<uint16_t>();
  if (steps == 0 || steps > kMaxSteps) return fail("wrong number of steps"), nullptr;
  for (uint16_t i = 0; i < steps; ++i) {
    if (!read_step(i + 1 == steps)) return nullptr;
  }
  if (in_.failed() || in_.remaining() != 0) return fail("its length does not fit its contents"), nullptr;
  if (pixel_format_channels(static_cast<PixelFormat>(output_format)) != channels_) {
    return fail("an output format of another number of channels"), nullptr;
  }
  return std::make_shared<const CompiledPlan>(input, std::string(name.begin(), name.end()),
                                              static_cast<PixelFormat>(output_format), std::move(steps_));
}

bool PlanReader::read_size(uint32_t* width, uint32_t* height) {
  *width = in_.number<uint32_t>();
  *height = in_.number<uint32_t>();
  if (*width >= 1 && *width <= kMaxSide && *height >= 1 && *height <= kMaxSide) return true;
  return fail("a size outside 1 to 65535 pixels, or truncated");
}

bool PlanReader::read_tables() {
  constexpr uint16_t kMostTables = kMaxSteps * 4;
  const uint16_t resize_tables[] = {in_.number<uint16_t>(), in_.number<uint16_t>(), in_.number<uint16_t>()};
  const uint16_t values = in_.number<uint16_t>();
  if (std::max(values, *std::max_element(std::begin(resize_tables), std::end(resize_tables))) > kMostTables) {
    return fail("too many tables");
  }
  if (auto ok = read_resize_tables(in_, resize_tables, &resize_tables_); !ok) return fail(ok.error().message);
  for (uint16_t i = 0; i < values; ++i) {
    const auto dtype = static_cast<DType>(in_.number<uint8_t>());
    if (dtype_bytes(dtype) == 0) return fail("unknown element type");
    values_.push_back({dtype, in_.array<uint8_t>(256 * dtype_bytes(dtype))});
    if (in_.failed()) return fail("truncated table");
  }
  return true;
}

bool PlanReader::read_step(bool last) {
  const uint8_t kind = in_.number<uint8_t>();
  if (in_.failed()) return fail("truncated steps");
  if (last && kind != static_cast<uint8_t>(Kind::map)) return fail("a last step that does not place");
  if (uyvy_ != (kind == static_cast<uint8_t>(Kind::to_rgb)))
    return fail("a toRgb without uyvy, or uyvy without a toRgb");
  switch (static_cast<Kind>(kind)) {
    case Kind::select:
      return read_select(false);
    case Kind::pad:
      return read_select(true);
    case Kind::to_rgb:
      return read_to_rgb();
    case Kind::resize:
      return read_resize();
    case Kind::map:
      return read_map(last);
  }
  return fail("unknown kind of step");
}

bool PlanReader::read_to_rgb() {
  const uint8_t matrix = in_.number<uint8_t>();
  const uint8_t range = in_.number<uint8_t>();
  if (in_.failed()) return fail("truncated toRgb");
  if (matrix > static_cast<uint8_t>(YcbcrMatrix::bt709)) return fail("unknown YCbCr matrix");
  if (range > static_cast<uint8_t>(YcbcrRange::full)) return fail("unknown YCbCr range");
  if (width_ % 2 != 0) return fail("uyvy of an odd width");
  steps_.push_back(
      {make_ycbcr_step(width_, height_, static_cast<YcbcrMatrix>(matrix), static_cast<YcbcrRange>(range))});
  channels_ = 3;
  uyvy_ = false;
  return true;
}

bool PlanReader::read_select(bool pad) {
  SelectStep step{width_, height_, channels_, 0, 0, 0, 0, {}};
  step.left = in_.number<int64_t>();
  step.top = in_.number<int64_t>();
  if (!read_size(&step.out_width, &step.out_height)) return false;
  for (const int64_t offset : {step.left, step.top}) {
    if (offset < -int64_t{kMaxSide} || offset > int64_t{kMaxSide}) return fail("a crop offset out of range");
  }
  if (pad) {
    for (uint32_t c = 0; c < channels_; ++c) step.fill[c] = in_.number<uint8_t>();
    if (in_.failed()) return fail("truncated pad");
    if (!step.pads() || !fills(step)) return fail("a pad that is a crop");
  }
  width_ = step.out_width;
  height_ = step.out_height;
  steps_.push_back({step});
  return true;
}

bool PlanReader::read_resize() {
  Result<Step> step = read_resize_step(in_, resize_tables_, width_, height_, channels_);
  if (!step) return fail(step.error().message);
  if (const auto* gather = std::get_if<NamedGatherStep>(&step.value().what)) {
    width_ = gather->x->out_size;
    height_ = gather->y->out_size;
  } else {
    const auto& resize = std::get<NamedResizeStep>(step.value().what);
    width_ = resize.out_width;
    height_ = resize.out_height;
  }
  steps_.push_back(std::move(step).value());
  return true;
}

bool PlanReader::read_map(bool last) {
  FoldedMapStep step;
  step.width = width_;
  step.height = height_;
  step.in_channels = channels_;
  step.out_channels = in_.number<uint8_t>();
  const uint8_t planar = in_.number<uint8_t>();
  const uint8_t folded = in_.number<uint8_t>();
  if (step.out_channels < 1 || step.out_channels > 4 || planar > 1) return fail("a map of a wrong form");
  step.planar = planar == 1;
  step.select = {0, 0, 0, 0};
  step.map.tables = step.out_channels;
  for (uint32_t o = 0; o < step.out_channels; ++o) {
    step.select[o] = in_.number<uint8_t>();
    const uint32_t table = in_.number<uint32_t>();
    if (step.select[o] >= channels_) return fail("a channel that is not there");
    if (table >= values_.size()) return fail("a value table that is not there");
    if (o > 0 && values_[table].dtype != step.map.dtype)
      return fail("value tables of different types in one map");
    step.map.dtype = values_[table].dtype;
    const auto& entries = values_[table].entries;
    step.map.data.insert(step.map.data.end(), entries.begin(), entries.end());
  }
  if (!last && (step.planar || step.map.dtype != DType::uint8))
    return fail("a map whose result has no next step");
  for (const uint8_t stage : in_.array<uint8_t>(folded)) {
    if (stage > static_cast<uint8_t>(FoldedStage::convert)) return fail("unknown kind of folded stage");
    step.folded.push_back(static_cast<FoldedStage>(stage));
  }
  if (in_.failed()) return fail("truncated map");
  channels_ = step.out_channels;
  steps_.push_back({std::move(step)});
  return true;
}

}  // namespace

std::vector<uint8_t> write_plan(const CompiledPlan& plan) {
  ByteWriter steps;
  DistinctTables tables;
  steps.number(static_cast<uint16_t>(plan.steps().size()));
  for (const Step& step : plan.steps()) {
    if (const auto* select = std::get_if<SelectStep>(&step.what)) {
      steps.number(static_cast<uint8_t>(fills(*select) ? Kind::pad : Kind::select));
      steps.number(select->left);
      steps.number(select->top);
      steps.number(select->out_width);
      steps.number(select->out_height);
      if (fills(*select)) steps.array(std::span(select->fill).first(select->channels));
    } else if (const auto* ycbcr = std::get_if<YcbcrStep>(&step.what)) {
      steps.number(static_cast<uint8_t>(Kind::to_rgb));
      steps.number(static_cast<uint8_t>(ycbcr->matrix));
      steps.number(static_cast<uint8_t>(ycbcr->range));
    } else if (const auto* resize = std::get_if<NamedResizeStep>(&step.what)) {
      steps.number(static_cast<uint8_t>(Kind::resize));
      write(steps, *resize, tables);
    } else if (const auto* gather = std::get_if<NamedGatherStep>(&step.what)) {
      steps.number(static_cast<uint8_t>(Kind::resize));
      write(steps, *gather, tables);
    } else {
      const auto& map = std::get<FoldedMapStep>(step.what);
      steps.number(static_cast<uint8_t>(Kind::map));
      steps.number(static_cast<uint8_t>(map.out_channels));
      steps.number(static_cast<uint8_t>(map.planar));
      steps.number(static_cast<uint8_t>(map.folded.size()));
      for (uint32_t o = 0; o < map.out_channels; ++o) {
        steps.number(map.select[o]);
        steps.number(tables.add(map.map, o));
      }
      for (const FoldedStage stage : map.folded) steps.number(static_cast<uint8_t>(stage));
    }
  }

  ByteWriter out;
  out.array(std::span<const char>(kMagic));
  out.number(kVersion);
  out.number(plan.input().width);
  out.number(plan.input().height);
  out.number(static_cast<uint8_t>(plan.input().format));
  out.number(static_cast<uint8_t>(plan.input().order));
  out.number(static_cast<uint8_t>(plan.input().skip_unread));
  const std::string& name = plan.outputs()[0].name;
  out.number(static_cast<uint8_t>(name.size()));
  out.array(std::span<const char>(name));
  out.number(static_cast<uint8_t>(plan.outputs()[0].format));
  out.number(static_cast<uint16_t>(tables.resample.size()));
  out.number(static_cast<uint16_t>(tables.lerp.size()));
  out.number(static_cast<uint16_t>(tables.nearest.size()));
  out.number(static_cast<uint16_t>(tables.values.size()));
  for (const ResampleWeights* weights : tables.resample) write(out, *weights);
  for (const LerpWeights* weights : tables.lerp) write(out, *weights);
  for (const NearestPositions* positions : tables.nearest) write(out, *positions);
  for (const DistinctTables::Values& values : tables.values) {
    out.number(static_cast<uint8_t>(values.dtype));
    out.array(values.entries);
  }
  const std::vector<uint8_t> tail = steps.take();
  out.array(std::span<const uint8_t>(tail));
  return out.take();
}

Result<PlanPtr> plan_from_bytes(std::span<const uint8_t> bytes, uint64_t max_state_bytes) {
  const auto invalid = [](const std::string& what) {
    return Error{ErrorCode::INVALID_PLAN,
                 "The plan bytes cannot be used: " + what + ". Compile the pipeline again."};
  };
  constexpr size_t kHeader = sizeof(kMagic) + sizeof(kVersion);
  if (bytes.size() < kHeader + sizeof(Hash)) {
    return invalid("they are " + std::to_string(bytes.size()) + " bytes long, shorter than any plan");
  }
  if (std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0)
    return invalid("they do not begin with 'onpathPL'");
  uint32_t version = 0;
  std::memcpy(&version, bytes.data() + sizeof(kMagic), sizeof(version));
  if (version != kVersion) {
    return invalid("they are of version " + std::to_string(version) + ", this release reads version " +
                   std::to_string(kVersion));
  }
  const auto content = bytes.first(bytes.size() - sizeof(Hash));
  const Hash hash = sha256(content);
  if (!std::equal(hash.begin(), hash.end(), bytes.end() - sizeof(Hash))) {
    return invalid("their content hash does not match, so they were damaged or cut");
  }
  PlanReader reader(content.subspan(kHeader));
  const std::shared_ptr<const CompiledPlan> plan = reader.read();
  if (plan == nullptr) return invalid("they hold " + reader.wrong());
  if (!check_order(*plan)) return invalid("they hold a sample without bytes");
  // One plan has one byte form, or its hash would not name it.
  if (plan->hash() != hash) return invalid("they are not in the form that compile writes");
  if (plan->edge_bytes() > kMaxEdgeBytes) {
    return Error{ErrorCode::LIMIT_EXCEEDED, edge_limit_text(plan->edge_bytes())};
  }
  if (plan->state_bytes() > max_state_bytes) {
    return Error{ErrorCode::LIMIT_EXCEEDED,
                 "One sample of this plan could need " + std::to_string(plan->state_bytes()) +
                     " bytes of state; expected at most " + std::to_string(max_state_bytes) +
                     ". Raise the limit if the plan can be trusted."};
  }
  return PlanPtr(plan);
}

}  // namespace onpath
