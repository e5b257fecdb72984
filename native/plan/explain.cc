// What was compiled and what it costs, in words and numbers. Must not decide anything.
#include <string>

#include "plan/bound.h"
#include "plan/fold.h"
#include "plan/step.h"

namespace onpath {
namespace {

std::string size_text(uint32_t width, uint32_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

std::string plural(uint64_t n, const char* noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

StepExplanation explain(const SelectStep& step) {
  StepExplanation row;
  row.step = "crop " + size_text(step.out_width, step.out_height) + " at " + std::to_string(step.left) + "," +
             std::to_string(step.top) + " of " + size_text(step.in_width, step.in_height);
  if (step.fill != std::array<uint8_t, 4>{}) {
    row.step = "pad " + size_text(step.in_width, step.in_height) + " -> " +
               size_text(step.out_width, step.out_height) + ", image at " + std::to_string(-step.left) + "," +
               std::to_string(-step.top) + ", beyond it";
    for (uint32_t c = 0; c < step.channels; ++c) row.step += " " + std::to_string(step.fill[c]);
  }
  row.state_bytes = select_state_bytes();
  row.state = "nothing is held back";
  row.tables = "none";
  return row;
}

StepExplanation explain(const YcbcrStep& step) {
  StepExplanation row;
  row.step = std::string("toRgb ") + (step.matrix == YcbcrMatrix::bt601 ? "bt601 " : "bt709 ") +
             (step.range == YcbcrRange::studio ? "studio " : "full ") + size_text(step.width, step.height);
  row.naive_table_entries = 7 * 256;  // Y for each of r, g and b; Cr for r, Cb and Cr for g, Cb for b
  row.table_entries = step.tables->entries.size();
  row.table_bytes = sizeof(YcbcrTables);
  row.tables = "Y, shared by r, g and b; Cr for r, Cb and Cr for g, Cb for b";
  row.window_bytes = ToRgbStep::kInGroupBytes - 1;
  row.state_bytes = to_rgb_state_bytes(step);
  row.state = "groups of which bytes are missing (" + std::to_string(to_rgb_whole_state_bytes(step)) +
              " bytes in all, window 0, where chunks hold whole groups)";
  return row;
}

std::string layout_text(const ResizeStep& step, RowState state) {
  const ResizeCost cost = resize_cost(step, state);
  const char* name = state == RowState::none   ? "incomplete rows"
                     : state == RowState::rows ? "incomplete and reduced rows"
                                               : "incomplete rows and partial sums";
  return std::string(name) + " (" + std::to_string(cost.state_bytes) + " bytes at worst, window " +
         std::to_string(cost.window_bytes) + ")";
}

/// Vectors of one pass, as "9 distinct of 224 vectors of 12 weights".
std::string vectors_text(const ResampleWeights* weights) {
  if (weights == nullptr) return "pass skipped";
  return std::to_string(weights->rows()) + " distinct of " + plural(weights->out_size, "vector") +
         " of up to " + plural(weights->taps, "weight");
}

void explain_pillow(const ResizeStep& step, StepExplanation* row) {
  for (const ResampleWeights* weights : {step.x.get(), step.y.get()}) {
    if (weights == nullptr) continue;
    row->naive_table_entries += uint64_t{weights->out_size} * weights->taps;
    row->table_entries += weights->weights.size();
    row->table_bytes += stored_bytes(*weights);
  }
  row->tables = "horizontal: " + vectors_text(step.x.get()) + "; vertical: " + vectors_text(step.y.get());
}

void explain_exact4(const ResizeStep& step, StepExplanation* row) {
  const LerpWeights& x = *step.lerp_x;
  const LerpWeights& y = *step.lerp_y;
  // Four terms, 256 products each, for every output pixel; and for every pair of phases.
  row->naive_table_entries = uint64_t{x.out_size} * y.out_size * 4 * 256;
  const uint64_t deduplicated = uint64_t{x.distinct_rows()} * y.distinct_rows() * 4 * 256;
  row->table_entries = 2 * (uint64_t{x.out_size} + y.out_size);
  row->table_bytes = stored_bytes(x) + stored_bytes(y);
  row->tables = "four-term products: " + std::to_string(row->naive_table_entries) + " naive, " +
                std::to_string(deduplicated) + " deduplicated (" + std::to_string(x.distinct_rows()) +
                " horizontal x " + std::to_string(y.distinct_rows()) +
                " vertical phases x 4 x 256); stored: " + std::to_string(row->table_entries) +
                " separable weights over the denominator " +
                std::to_string(uint64_t{x.denominator} * y.denominator);
}

StepExplanation explain(const ResizeStep& step) {
  StepExplanation row;
  row.step = std::string("resize ") + (step.exact4() ? "exact4 " : "pillow bilinear ") +
             size_text(step.in_width, step.in_height) + " -> " + size_text(step.out_width, step.out_height) +
             (step.premultiply ? ", alpha premultiplied around it" : "");
  row.stage_class = StageClass::placed;
  if (step.exact4()) {
    explain_exact4(step, &row);
  } else {
    explain_pillow(step, &row);
  }
  const ResizeCost cost = resize_cost(step, step.state);
  row.window_bytes = cost.window_bytes;
  row.state_bytes = cost.state_bytes;
  row.state = layout_text(step, step.state);
  if (step.y != nullptr) {
    row.state +=
        "; not chosen: " + layout_text(step, step.state == RowState::rows ? RowState::sums : RowState::rows);
  } else {
    row.state += step.exact4() ? "; the only layout of exact4" : "; the only layout without a vertical pass";
  }
  return row;
}

std::string folded_text(const FoldedMapStep& step) {
  static constexpr const char* kNames[] = {"channels", "normalize", "lookup", "quantize", "convert"};
  std::string text;
  for (const FoldedStage stage : step.folded) {
    if (!text.empty()) text += '+';
    text += kNames[static_cast<size_t>(stage)];
  }
  return text.empty() ? "copy" : text;
}

StepExplanation explain(const FoldedMapStep& step, bool last, bool in_place) {
  StepExplanation row;
  row.step = (last ? "place " : "map ") + folded_text(step) + " -> " +
             std::string(dtype_name(step.map.dtype)) + (step.planar ? " chw" : " hwc");
  DistinctTables tables;
  for (uint32_t o = 0; o < step.out_channels; ++o) tables.add(step.map, o);
  // One table per channel and stage, were they not folded and shared.
  row.naive_table_entries = uint64_t{step.out_channels} * 256 * step.folded.size();
  row.table_entries = step.folded.empty() ? 0 : tables.values.size() * 256;
  row.table_bytes = step.folded.empty() ? 0 : tables.bytes();
  row.tables = plural(step.folded.size(), "stage") + " folded into " +
               plural(tables.values.size(), "distinct table") + " for " +
               plural(step.out_channels, "channel");
  row.state_bytes = last ? place_state_bytes() : map_state_bytes(step);
  row.state = "nothing is held back";
  if (last) row.state += in_place ? "; in place: yes" : "; in place: no";
  return row;
}

}  // namespace

std::vector<StepExplanation> explain_steps(const CompiledPlan& plan, std::string_view kernels) {
  std::vector<StepExplanation> rows;
  for (const Step& step : plan.steps()) {
    const bool last = &step == &plan.steps().back();
    StepExplanation row;
    if (const auto* select = std::get_if<SelectStep>(&step.what)) row = explain(*select);
    if (const auto* resize = std::get_if<ResizeStep>(&step.what)) row = explain(*resize);
    if (const auto* map = std::get_if<FoldedMapStep>(&step.what))
      row = explain(*map, last, plan.works_in_place());
    if (const auto* ycbcr = std::get_if<YcbcrStep>(&step.what)) row = explain(*ycbcr);
    row.kernel = std::holds_alternative<SelectStep>(step.what) ? "none" : std::string(kernels);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace onpath
