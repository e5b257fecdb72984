// The plan's byte form. All numbers little-endian; tables stored once each.
//   magic "onpathPL" | u32 version | input | output name | tables | steps | SHA-256 of everything before it
// Reading trusts nothing: every size, index and weight is checked against what running the plan relies on.
#include <algorithm>
#include <cstring>
#include <string>

#include "plan/byte_io.h"
#include "plan/order.h"
#include "plan/step.h"

namespace onpath {
namespace {

constexpr char kMagic[8] = {'o', 'n', 'p', 'a', 't', 'h', 'P', 'L'};
constexpr uint32_t kVersion = 2;
constexpr uint32_t kNoTable = UINT32_MAX;
enum class Kind : uint8_t { select = 0, resize = 1, map = 2 };
constexpr int64_t kOne = int64_t{1} << 22;  // weight 1.0 of a resample table

void write(ByteWriter& out, const ResampleWeights& w) {
  out.number(w.in_size);
  out.number(w.out_size);
  out.number(w.taps);
  out.number(w.rows());
  out.array<uint32_t>(w.first);
  out.array<uint16_t>(w.count);
  out.array<uint16_t>(w.row);
  out.array<int32_t>(w.weights);
}

void write(ByteWriter& out, const LerpWeights& w) {
  out.number(w.in_size);
  out.number(w.out_size);
  out.number(w.denominator);
  for (const auto* values : {&w.i0, &w.i1, &w.w0, &w.w1}) out.array<uint32_t>(*values);
}

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
  bool read_resample(ResampleWeights* w);
  bool read_lerp(LerpWeights* w);
  bool read_step(bool last);
  bool read_select();
  bool read_resize();
  bool read_map(bool last);
  bool read_size(uint32_t* width, uint32_t* height);

  struct Values {
    DType dtype;
    std::vector<uint8_t> entries;
  };

  ByteReader in_;
  std::string wrong_;
  std::vector<std::shared_ptr<const ResampleWeights>> resample_;
  std::vector<std::shared_ptr<const LerpWeights>> lerp_;
  std::vector<Values> values_;
  std::vector<Step> steps_;
  // The image before the step that is read next.
  uint32_t width_ = 0;
  uint32_t height_ = 0;
  uint32_t channels_ = 0;
};

std::shared_ptr<const CompiledPlan> PlanReader::read() {
  ImageInput input;
  if (!read_size(&input.width, &input.height)) return nullptr;
  const uint8_t format = in_.number<uint8_t>();
  if (format > static_cast<uint8_t>(PixelFormat::rgbx)) return fail("unknown pixel format"), nullptr;
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
  const uint16_t resample = in_.number<uint16_t>();
  const uint16_t lerp = in_.number<uint16_t>();
  const uint16_t values = in_.number<uint16_t>();
  if (resample > kMostTables || lerp > kMostTables || values > kMostTables) return fail("too many tables");
  for (uint16_t i = 0; i < resample; ++i) {
    auto weights = std::make_shared<ResampleWeights>();
    if (!read_resample(weights.get())) return false;
    resample_.push_back(std::move(weights));
  }
  for (uint16_t i = 0; i < lerp; ++i) {
    auto weights = std::make_shared<LerpWeights>();
    if (!read_lerp(weights.get())) return false;
    lerp_.push_back(std::move(weights));
  }
  for (uint16_t i = 0; i < values; ++i) {
    const auto dtype = static_cast<DType>(in_.number<uint8_t>());
    if (dtype_bytes(dtype) == 0) return fail("unknown element type");
    values_.push_back({dtype, in_.array<uint8_t>(256 * dtype_bytes(dtype))});
    if (in_.failed()) return fail("truncated table");
  }
  return true;
}

bool PlanReader::read_resample(ResampleWeights* w) {
  if (!read_size(&w->in_size, &w->out_size)) return false;
  w->taps = in_.number<uint32_t>();
  const uint32_t rows = in_.number<uint32_t>();
  if (w->taps == 0 || w->taps > 65535 || rows == 0 || rows > 65536)
    return fail("resample table of a wrong size");
  w->first = in_.array<uint32_t>(w->out_size);
  w->count = in_.array<uint16_t>(w->out_size);
  w->row = in_.array<uint16_t>(w->out_size);
  w->weights = in_.array<int32_t>(uint64_t{rows} * w->taps);
  if (in_.failed()) return fail("truncated resample table");

  std::vector<uint32_t> used(rows);  // weights of each row before its trailing zeros
  for (uint32_t r = 0; r < rows; ++r) {
    int64_t sum = 0;
    for (uint32_t t = 0; t < w->taps; ++t) {
      const int32_t weight = w->weights[size_t{r} * w->taps + t];
      if (weight < 0 || weight > kOne) return fail("a resample weight outside 0 to 1");
      sum += weight;
      if (weight != 0) used[r] = t + 1;
    }
    if (sum > kOne + int64_t{w->taps}) return fail("resample weights that add up to more than 1");
  }
  uint64_t reads = 0;
  for (uint32_t i = 0; i < w->out_size; ++i) {
    if (w->row[i] >= rows) return fail("a resample row that is not there");
    if (w->count[i] > w->taps || w->count[i] < used[w->row[i]])
      return fail("a wrong count of resample weights");
    reads += w->count[i];
  }
  if (!windows_ordered(*w)) return fail("a resample window outside the image or out of order");
  // A triangle filter reads no more; a table that claims to would only cost time.
  if (reads > 4 * (uint64_t{w->in_size} + w->out_size)) return fail("resample windows that are too wide");
  return true;
}

bool PlanReader::read_lerp(LerpWeights* w) {
  if (!read_size(&w->in_size, &w->out_size)) return false;
  w->denominator = in_.number<uint32_t>();
  if (w->denominator == 0 || w->denominator > 2 * kMaxSide) return fail("a wrong denominator");
  for (auto* values : {&w->i0, &w->i1, &w->w0, &w->w1}) *values = in_.array<uint32_t>(w->out_size);
  if (in_.failed()) return fail("truncated exact4 table");
  for (uint32_t i = 0; i < w->out_size; ++i) {
    if (uint64_t{w->w0[i]} + w->w1[i] != w->denominator) return fail("exact4 weights that do not add up");
  }
  return windows_ordered(*w) || fail("an exact4 position outside the image or out of order");
}

bool PlanReader::read_step(bool last) {
  const uint8_t kind = in_.number<uint8_t>();
  if (in_.failed()) return fail("truncated steps");
  if (last && kind != static_cast<uint8_t>(Kind::map)) return fail("a last step that does not place");
  switch (static_cast<Kind>(kind)) {
    case Kind::select:
      return read_select();
    case Kind::resize:
      return read_resize();
    case Kind::map:
      return read_map(last);
  }
  return fail("unknown kind of step");
}

bool PlanReader::read_select() {
  SelectStep step{width_, height_, channels_, 0, 0, 0, 0};
  step.left = in_.number<int64_t>();
  step.top = in_.number<int64_t>();
  if (!read_size(&step.out_width, &step.out_height)) return false;
  for (const int64_t offset : {step.left, step.top}) {
    if (offset < -int64_t{kMaxSide} || offset > int64_t{kMaxSide}) return fail("a crop offset out of range");
  }
  width_ = step.out_width;
  height_ = step.out_height;
  steps_.push_back({step});
  return true;
}

bool PlanReader::read_resize() {
  ResizeStep step;
  step.in_width = width_;
  step.in_height = height_;
  step.channels = channels_;
  if (!read_size(&step.out_width, &step.out_height)) return false;
  const uint8_t profile = in_.number<uint8_t>();
  const uint8_t premultiply = in_.number<uint8_t>();
  const uint8_t state = in_.number<uint8_t>();
  const uint32_t x = in_.number<uint32_t>();
  const uint32_t y = in_.number<uint32_t>();
  if (in_.failed()) return fail("truncated resize");
  if (premultiply > 1 || (premultiply == 1 && channels_ != 4)) return fail("alpha where there is none");
  step.premultiply = premultiply == 1;
  if (state > static_cast<uint8_t>(RowState::sums)) return fail("unknown state layout");
  step.state = static_cast<RowState>(state);
  const auto fits = [](const auto& table, uint32_t from, uint32_t to) {
    return table->in_size == from && table->out_size == to;
  };
  if (profile == static_cast<uint8_t>(ResizeProfile::pillow)) {
    if (x == kNoTable && y == kNoTable) return fail("a resize without tables");
    if ((x != kNoTable && x >= resample_.size()) || (y != kNoTable && y >= resample_.size())) {
      return fail("a resample table that is not there");
    }
    if (x != kNoTable) step.x = resample_[x];
    if (y != kNoTable) step.y = resample_[y];
    if (step.x ? !fits(step.x, step.in_width, step.out_width) : step.in_width != step.out_width) {
      return fail("a horizontal table of another size");
    }
    if (step.y ? !fits(step.y, step.in_height, step.out_height) : step.in_height != step.out_height) {
      return fail("a vertical table of another size");
    }
    if ((step.state == RowState::none) != (step.y == nullptr))
      return fail("a state layout that does not fit");
  } else if (profile == static_cast<uint8_t>(ResizeProfile::exact4)) {
    if (x >= lerp_.size() || y >= lerp_.size()) return fail("an exact4 table that is not there");
    step.lerp_x = lerp_[x];
    step.lerp_y = lerp_[y];
    if (!fits(step.lerp_x, step.in_width, step.out_width) ||
        !fits(step.lerp_y, step.in_height, step.out_height)) {
      return fail("an exact4 table of another size");
    }
    if (step.state != RowState::rows) return fail("a state layout that does not fit");
  } else {
    return fail("unknown resize profile");
  }
  width_ = step.out_width;
  height_ = step.out_height;
  steps_.push_back({std::move(step)});
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
      steps.number(static_cast<uint8_t>(Kind::select));
      steps.number(select->left);
      steps.number(select->top);
      steps.number(select->out_width);
      steps.number(select->out_height);
    } else if (const auto* resize = std::get_if<ResizeStep>(&step.what)) {
      steps.number(static_cast<uint8_t>(Kind::resize));
      steps.number(resize->out_width);
      steps.number(resize->out_height);
      steps.number(static_cast<uint8_t>(resize->exact4() ? ResizeProfile::exact4 : ResizeProfile::pillow));
      steps.number(static_cast<uint8_t>(resize->premultiply));
      steps.number(static_cast<uint8_t>(resize->state));
      if (resize->exact4()) {
        steps.number(tables.add(*resize->lerp_x));
        steps.number(tables.add(*resize->lerp_y));
      } else {
        steps.number(resize->x ? tables.add(*resize->x) : kNoTable);
        steps.number(resize->y ? tables.add(*resize->y) : kNoTable);
      }
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
  out.number(static_cast<uint16_t>(tables.values.size()));
  for (const ResampleWeights* weights : tables.resample) write(out, *weights);
  for (const LerpWeights* weights : tables.lerp) write(out, *weights);
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
