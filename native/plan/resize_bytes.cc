// See resize_bytes.h. A step is: u32 width | u32 height | profile | filter | premultiply | state layout | u32
// horizontal table | u32 vertical table. Which kind of table that is follows from profile and filter.
#include "plan/resize_bytes.h"

#include <string>
#include <utility>

#include "plan/resize_names.h"

namespace onpath {
namespace {

constexpr uint32_t kNoTable = UINT32_MAX;

Error wrong(std::string what) { return {ErrorCode::INVALID_PLAN, std::move(what)}; }

Result<void> read_sizes(ByteReader& in, uint32_t* first, uint32_t* second) {
  *first = in.number<uint32_t>();
  *second = in.number<uint32_t>();
  if (*first >= 1 && *first <= kMaxSide && *second >= 1 && *second <= kMaxSide) return {};
  return wrong("a size outside 1 to 65535 pixels, or truncated");
}

/// Sums of products with bytes must fit 32 bits. Also finds how many weights of each row come before its
/// trailing zeros.
Result<void> check_weights(const ResampleWeights& w, std::vector<uint32_t>* used) {
  used->assign(w.rows(), 0);
  for (uint32_t r = 0; r < w.rows(); ++r) {
    int64_t most = 0, least = 0;
    for (uint32_t t = 0; t < w.taps; ++t) {
      const int32_t weight = w.weights[size_t{r} * w.taps + t];
      (weight > 0 ? most : least) += weight;
      if (weight != 0) (*used)[r] = t + 1;
    }
    if (most > kMostWeight || least < kLeastWeight) return wrong("resample weights that add up to too much");
  }
  return {};
}

Result<void> read(ByteReader& in, ResampleWeights* w) {
  if (auto ok = read_sizes(in, &w->in_size, &w->out_size); !ok) return ok;
  w->taps = in.number<uint32_t>();
  const uint32_t rows = in.number<uint32_t>();
  if (w->taps == 0 || w->taps > 65535 || rows == 0 || rows > 65536) {
    return wrong("resample table of a wrong size");
  }
  w->first = in.array<uint32_t>(w->out_size);
  w->count = in.array<uint16_t>(w->out_size);
  w->row = in.array<uint16_t>(w->out_size);
  w->weights = in.array<int32_t>(uint64_t{rows} * w->taps);
  if (in.failed()) return wrong("truncated resample table");

  std::vector<uint32_t> used;
  if (auto ok = check_weights(*w, &used); !ok) return ok;
  uint64_t reads = 0;
  for (uint32_t i = 0; i < w->out_size; ++i) {
    if (w->row[i] >= rows) return wrong("a resample row that is not there");
    if (w->count[i] > w->taps || w->count[i] < used[w->row[i]]) {
      return wrong("a wrong count of resample weights");
    }
    reads += w->count[i];
  }
  if (!windows_ordered(*w)) return wrong("a resample window outside the image or out of order");
  // A window of support 3, the widest there is, reads no more: 6 pixels of the coarser side and two partial
  // ones. A table that claims to would only cost time.
  if (reads > 8 * (uint64_t{w->in_size} + w->out_size)) return wrong("resample windows that are too wide");
  return {};
}

Result<void> read(ByteReader& in, LerpWeights* w) {
  if (auto ok = read_sizes(in, &w->in_size, &w->out_size); !ok) return ok;
  w->denominator = in.number<uint32_t>();
  if (w->denominator == 0 || w->denominator > 2 * kMaxSide) return wrong("a wrong denominator");
  for (auto* values : {&w->i0, &w->i1, &w->w0, &w->w1}) *values = in.array<uint32_t>(w->out_size);
  if (in.failed()) return wrong("truncated table of neighbours");
  for (uint32_t i = 0; i < w->out_size; ++i) {
    if (w->w0[i] > w->denominator || w->w1[i] > w->denominator) return wrong("a neighbour's weight above 1");
  }
  if (windows_ordered(*w)) return {};
  return wrong("a neighbour's position outside the image or out of order");
}

Result<void> read(ByteReader& in, NearestPositions* positions) {
  if (auto ok = read_sizes(in, &positions->in_size, &positions->out_size); !ok) return ok;
  positions->position = in.array<uint32_t>(positions->out_size);
  if (in.failed()) return wrong("truncated table of positions");
  if (positions_ordered(*positions)) return {};
  return wrong("a nearest position outside the image or out of order");
}

template <class Table>
Result<void> read_all(ByteReader& in, uint16_t n, std::vector<std::shared_ptr<const Table>>* tables) {
  for (uint16_t i = 0; i < n; ++i) {
    auto table = std::make_shared<Table>();
    if (auto ok = read(in, table.get()); !ok) return ok;
    tables->push_back(std::move(table));
  }
  return {};
}

/// What each arithmetic needs of the weights of a table of neighbours.
bool lerp_fits(const LerpWeights& w, LerpArithmetic arithmetic) {
  const bool fixed = arithmetic == LerpArithmetic::fixed11;
  if (fixed && w.denominator != kOpencvOne) return false;
  const uint64_t slack = fixed ? kOpencvSlack : 0;
  for (uint32_t i = 0; i < w.out_size; ++i) {
    const uint64_t sum = uint64_t{w.w0[i]} + w.w1[i];
    if (sum + slack < w.denominator || sum > w.denominator + slack) return false;
  }
  return true;
}

/// Table `index` as what leads from one size to another.
template <class Table>
Result<std::shared_ptr<const Table>> table_of(const std::vector<std::shared_ptr<const Table>>& tables,
                                              uint32_t index, uint32_t from, uint32_t to) {
  if (index >= tables.size()) return wrong("a resize table that is not there");
  if (tables[index]->in_size != from || tables[index]->out_size != to) {
    return wrong("a resize table of another size");
  }
  return tables[index];
}

/// What a step refers to, after its profile and filter.
struct Rest {
  uint8_t premultiply;
  uint8_t state;
  uint32_t x;
  uint32_t y;
};

Result<Step> read_gather(const Rest& rest, const ResizeTables& tables, NamedGatherStep step, uint32_t width,
                         uint32_t height, uint32_t out_width, uint32_t out_height) {
  if (rest.premultiply != 0 || rest.state != 0) return wrong("a nearest resize that holds something back");
  auto x = table_of(tables.nearest, rest.x, width, out_width);
  if (!x) return x.error();
  auto y = table_of(tables.nearest, rest.y, height, out_height);
  if (!y) return y.error();
  step.x = std::move(x).value();
  step.y = std::move(y).value();
  return Step{std::move(step)};
}

Result<void> read_windows(const Rest& rest, const ResizeTables& tables, NamedResizeStep* step) {
  if (rest.x == kNoTable && rest.y == kNoTable) return wrong("a resize without tables");
  // A pass is left out exactly where its side stays what it is.
  if ((rest.x == kNoTable && step->in_width != step->out_width) ||
      (rest.y == kNoTable && step->in_height != step->out_height)) {
    return wrong("a resize without a table that it needs");
  }
  if (rest.x != kNoTable) {
    auto x = table_of(tables.resample, rest.x, step->in_width, step->out_width);
    if (!x) return x.error();
    step->x = std::move(x).value();
  }
  if (rest.y != kNoTable) {
    auto y = table_of(tables.resample, rest.y, step->in_height, step->out_height);
    if (!y) return y.error();
    step->y = std::move(y).value();
  }
  if ((step->state == RowState::none) != (step->y == nullptr)) {
    return wrong("a state layout that does not fit");
  }
  return {};
}

Result<void> read_lerps(const Rest& rest, const ResizeTables& tables, NamedResizeStep* step) {
  auto x = table_of(tables.lerp, rest.x, step->in_width, step->out_width);
  if (!x) return x.error();
  auto y = table_of(tables.lerp, rest.y, step->in_height, step->out_height);
  if (!y) return y.error();
  step->lerp_x = std::move(x).value();
  step->lerp_y = std::move(y).value();
  step->arithmetic = step->profile == ResizeProfile::opencv ? LerpArithmetic::fixed11 : LerpArithmetic::exact;
  if (!lerp_fits(*step->lerp_x, step->arithmetic) || !lerp_fits(*step->lerp_y, step->arithmetic)) {
    return wrong("weights of neighbours that do not add up");
  }
  if (step->state != RowState::rows) return wrong("a state layout that does not fit");
  return {};
}

template <class StepOfSizes>
void write_head(ByteWriter& out, const StepOfSizes& step, uint32_t width, uint32_t height,
                ResizeFilter filter) {
  out.number(width);
  out.number(height);
  out.number(static_cast<uint8_t>(step.profile));
  out.number(static_cast<uint8_t>(filter));
}

}  // namespace

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

void write(ByteWriter& out, const NearestPositions& positions) {
  out.number(positions.in_size);
  out.number(positions.out_size);
  out.array<uint32_t>(positions.position);
}

void write(ByteWriter& out, const NamedResizeStep& step, DistinctTables& tables) {
  write_head(out, step, step.out_width, step.out_height, step.filter);
  out.number(static_cast<uint8_t>(step.premultiply));
  out.number(static_cast<uint8_t>(step.state));
  if (step.lerps()) {
    out.number(tables.add(*step.lerp_x));
    out.number(tables.add(*step.lerp_y));
  } else {
    out.number(step.x ? tables.add(*step.x) : kNoTable);
    out.number(step.y ? tables.add(*step.y) : kNoTable);
  }
}

void write(ByteWriter& out, const NamedGatherStep& step, DistinctTables& tables) {
  write_head(out, step, step.x->out_size, step.y->out_size, ResizeFilter::nearest);
  out.number(uint16_t{0});  // nothing is premultiplied, nothing is kept
  out.number(tables.add(*step.x));
  out.number(tables.add(*step.y));
}

Result<void> read_resize_tables(ByteReader& in, const uint16_t (&counts)[3], ResizeTables* tables) {
  if (auto ok = read_all(in, counts[0], &tables->resample); !ok) return ok;
  if (auto ok = read_all(in, counts[1], &tables->lerp); !ok) return ok;
  return read_all(in, counts[2], &tables->nearest);
}

Result<Step> read_resize_step(ByteReader& in, const ResizeTables& tables, uint32_t width, uint32_t height,
                              uint32_t channels) {
  NamedResizeStep step;
  step.in_width = width;
  step.in_height = height;
  step.channels = channels;
  if (auto ok = read_sizes(in, &step.out_width, &step.out_height); !ok) return ok.error();
  step.profile = static_cast<ResizeProfile>(in.number<uint8_t>());
  step.filter = static_cast<ResizeFilter>(in.number<uint8_t>());
  const uint8_t premultiply = in.number<uint8_t>();
  const uint8_t state = in.number<uint8_t>();
  const uint32_t x = in.number<uint32_t>();
  const uint32_t y = in.number<uint32_t>();
  const Rest rest = {premultiply, state, x, y};
  if (in.failed()) return wrong("truncated resize");
  if (!resize_has(step.profile, step.filter)) return wrong("a resize profile or filter that there is not");
  if (step.filter == ResizeFilter::nearest) {
    NamedGatherStep gather;
    gather.channels = channels;
    gather.profile = step.profile;
    return read_gather(rest, tables, std::move(gather), width, height, step.out_width, step.out_height);
  }
  if (premultiply > 1 || (premultiply == 1 && channels != 4)) return wrong("alpha where there is none");
  step.premultiply = premultiply == 1;
  if (state > static_cast<uint8_t>(RowState::sums)) return wrong("unknown state layout");
  step.state = static_cast<RowState>(state);
  const bool lerps = step.profile == ResizeProfile::exact4 || step.profile == ResizeProfile::opencv;
  if (auto ok = lerps ? read_lerps(rest, tables, &step) : read_windows(rest, tables, &step); !ok) {
    return ok.error();
  }
  return Step{std::move(step)};
}

}  // namespace onpath
