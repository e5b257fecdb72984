// What a resize costs, in words and numbers. Must not decide anything.
#include <algorithm>
#include <string>

#include "plan/explain_text.h"
#include "plan/resize_names.h"

namespace onpath {
namespace {

std::string name_text(ResizeProfile profile, ResizeFilter filter) {
  std::string text = "resize " + std::string(resize_profile_name(profile));
  if (profile != ResizeProfile::exact4) text += " " + std::string(resize_filter_name(filter));
  return text + " ";
}

std::string layout_text(const ResizeStep& step, RowState state) {
  const ResizeCost cost = resize_cost(step, state);
  const char* name = state == RowState::none   ? "incomplete rows"
                     : state == RowState::rows ? "incomplete and reduced rows"
                                               : "incomplete rows and partial sums";
  return std::string(name) + " (" + std::to_string(cost.state_bytes) + " bytes at worst, window " +
         std::to_string(cost.window_bytes) + ")";
}

/// Vectors of one pass, as "9 distinct of 224 vectors of up to 12 weights".
std::string vectors_text(const ResampleWeights* weights) {
  if (weights == nullptr) return "pass skipped";
  return std::to_string(weights->rows()) + " distinct of " + plural(weights->out_size, "vector") +
         " of up to " + plural(weights->taps, "weight");
}

/// What one output row touches of the tables: all vectors of the horizontal pass with the place and vector of
/// every column, and one vector of the vertical pass with its place.
std::string window_set_text(const ResampleWeights* x, const ResampleWeights* y) {
  const uint64_t place = sizeof(x->first[0]) + sizeof(x->count[0]) + sizeof(x->row[0]);
  const uint64_t horizontal = x == nullptr ? 0 : stored_bytes(*x);
  const uint64_t vertical = y == nullptr ? 0 : place + uint64_t{y->taps} * sizeof(y->weights[0]);
  return "; one output row touches " + std::to_string(horizontal + vertical) + " bytes (" +
         plural(x == nullptr ? 0 : x->rows(), "horizontal vector") + " for " +
         plural(x == nullptr ? 0 : x->out_size, "column") + ": " + std::to_string(horizontal) + "; " +
         (y == nullptr ? "no" : "one") + " vertical vector: " + std::to_string(vertical) + ")";
}

void explain_windows(const ResizeStep& step, StepExplanation* row) {
  for (const ResampleWeights* weights : {step.x.get(), step.y.get()}) {
    if (weights == nullptr) continue;
    row->naive_table_entries += uint64_t{weights->out_size} * weights->taps;
    row->table_entries += weights->weights.size();
    row->table_bytes += stored_bytes(*weights);
  }
  row->tables = "horizontal: " + vectors_text(step.x.get()) + "; vertical: " + vectors_text(step.y.get()) +
                window_set_text(step.x.get(), step.y.get());
}

void explain_lerps(const ResizeStep& step, StepExplanation* row) {
  const LerpWeights& x = *step.lerp_x;
  const LerpWeights& y = *step.lerp_y;
  // Four terms, 256 products each, for every output pixel; and for every pair of phases.
  row->naive_table_entries = uint64_t{x.out_size} * y.out_size * 4 * 256;
  const uint64_t deduplicated = uint64_t{x.distinct_rows()} * y.distinct_rows() * 4 * 256;
  row->table_entries = 2 * (uint64_t{x.out_size} + y.out_size);
  row->table_bytes = stored_bytes(x) + stored_bytes(y);
  const std::string over = step.arithmetic == LerpArithmetic::fixed11
                               ? std::to_string(kOpencvOne) + " in each direction"
                               : std::to_string(uint64_t{x.denominator} * y.denominator);
  const uint64_t vertical = stored_bytes(y) / y.out_size;
  row->tables = "four-term products: " + std::to_string(row->naive_table_entries) + " naive, " +
                std::to_string(deduplicated) + " deduplicated (" + std::to_string(x.distinct_rows()) +
                " horizontal x " + std::to_string(y.distinct_rows()) +
                " vertical phases x 4 x 256); stored: " + std::to_string(row->table_entries) +
                " separable weights over the denominator " + over + "; one output row touches " +
                std::to_string(stored_bytes(x) + vertical) + " bytes (" +
                plural(x.distinct_rows(), "horizontal phase") + " for " + plural(x.out_size, "column") +
                ": " + std::to_string(stored_bytes(x)) + "; one vertical phase: " + std::to_string(vertical) +
                ")";
}

std::string other_layouts_text(const ResizeStep& step) {
  if (step.y != nullptr) {
    return "; not chosen: " +
           layout_text(step, step.state == RowState::rows ? RowState::sums : RowState::rows);
  }
  return step.lerps() ? "; the only layout of two neighbours" : "; the only layout without a vertical pass";
}

}  // namespace

StepExplanation explain_resize(const NamedResizeStep& step) {
  StepExplanation row;
  row.step = name_text(step.profile, step.filter) + size_text(step.in_width, step.in_height) + " -> " +
             size_text(step.out_width, step.out_height) +
             (step.premultiply ? ", alpha premultiplied around it" : "");
  row.stage_class = StageClass::placed;
  if (step.lerps()) {
    explain_lerps(step, &row);
  } else {
    explain_windows(step, &row);
  }
  const ResizeCost cost = resize_cost(step, step.state);
  row.window_bytes = cost.window_bytes;
  row.state_bytes = cost.state_bytes;
  row.state = layout_text(step, step.state) + other_layouts_text(step);
  return row;
}

StepExplanation explain_resize(const NamedGatherStep& step) {
  StepExplanation row;
  const NearestPositions& x = *step.x;
  const NearestPositions& y = *step.y;
  row.step = name_text(step.profile, ResizeFilter::nearest) + size_text(x.in_size, y.in_size) + " -> " +
             size_text(x.out_size, y.out_size);
  row.stage_class = StageClass::element;
  row.naive_table_entries = uint64_t{x.out_size} * y.out_size;  // one position for every output pixel
  row.table_entries = uint64_t{x.out_size} + y.out_size;
  row.table_bytes = stored_bytes(x) + stored_bytes(y);
  const uint64_t vertical = sizeof(y.position[0]);
  row.tables = plural(x.out_size, "column position") + " and " + plural(y.out_size, "row position") +
               "; one output row touches " + std::to_string(stored_bytes(x) + vertical) + " bytes";
  row.state_bytes = gather_state_bytes(step);
  row.state = "nothing is held back";
  return row;
}

}  // namespace onpath
