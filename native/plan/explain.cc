// What was compiled and what it costs, in words and numbers. Must not decide anything.
#include <string>

#include "plan/bound.h"
#include "plan/explain_text.h"
#include "plan/fold.h"
#include "plan/order.h"
#include "plan/step.h"
#include "stage/reorder.h"
#include "stage/tile_lerp.h"

namespace onpath {
namespace {

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

std::string count_text(uint64_t sent, uint64_t size, const char* noun) {
  return std::to_string(sent) + " of " + plural(size, noun);
}

StepExplanation explain(const SampleOrder& order, const CompiledPlan& plan) {
  StepExplanation row;
  row.step = "order " + std::string(order_name(plan.input().order)) +
             (plan.input().skip_unread ? ", unread pixels skipped" : "");
  row.stage_class = order.planar ? StageClass::placed : StageClass::element;
  row.table_bytes = order.table_bytes();
  row.tables = "sends " + count_text(order.rows.sent(), order.rows.size, "row") + " in " +
               plural(order.rows.bands(), "band") + ", " +
               count_text(order.columns.sent(), order.columns.size, "column") + " in " +
               plural(order.columns.bands(), "band");
  row.kernel = "none";
  if (plan.tile_step()) {
    row.state = "nothing is held back: the resize takes tiles as they come";
    return row;
  }
  row.window_bytes = reorder_window_bytes(order);
  row.state_bytes = reorder_state_bytes(order);
  row.state = order.planar ? "pixels whose channels have not all come" : "nothing is held back";
  return row;
}

bool is_first_resize(const CompiledPlan& plan, size_t step) {
  for (const Step& before : plan.steps().first(step)) {
    if (std::holds_alternative<NamedResizeStep>(before.what) ||
        std::holds_alternative<NamedGatherStep>(before.what))
      return false;
  }
  return true;
}

/// The tile-major resize, or the rows that the blocks of other orders leave incomplete together.
void explain_order(const CompiledPlan& plan, size_t step, StepExplanation* row) {
  if (plan.order() == nullptr) return;
  const auto* resize = std::get_if<NamedResizeStep>(&plan.steps()[step].what);
  if (plan.absorbed(step)) {
    row->state_bytes = 0;
    row->state = "nothing: only tiles inside the crop have readers";
  } else if (plan.tile_step() == step) {
    row->window_bytes = tile_lerp_window_bytes(*resize);
    row->state_bytes = tile_lerp_state_bytes(*resize);
    row->state = "incomplete tiles, each an output pixel of its own";
  } else if (resize != nullptr && is_first_resize(plan, step)) {
    // Planes are gathered into whole rows before they come here.
    row->window_bytes -= resize->raw_row_bytes();
    if (!plan.order()->planar) row->window_bytes += plan.order()->rows_at_once() * resize->raw_row_bytes();
  }
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
  if (plan.order() != nullptr) rows.push_back(explain(*plan.order(), plan));
  for (const Step& step : plan.steps()) {
    const bool last = &step == &plan.steps().back();
    StepExplanation row;
    if (const auto* select = std::get_if<SelectStep>(&step.what)) row = explain(*select);
    if (const auto* resize = std::get_if<NamedResizeStep>(&step.what)) row = explain_resize(*resize);
    if (const auto* gather = std::get_if<NamedGatherStep>(&step.what)) row = explain_resize(*gather);
    if (const auto* map = std::get_if<FoldedMapStep>(&step.what))
      row = explain(*map, last, plan.works_in_place());
    if (const auto* ycbcr = std::get_if<YcbcrStep>(&step.what)) row = explain(*ycbcr);
    explain_order(plan, static_cast<size_t>(&step - plan.steps().data()), &row);
    const bool copies =
        std::holds_alternative<SelectStep>(step.what) || std::holds_alternative<NamedGatherStep>(step.what);
    row.kernel = copies ? "none" : std::string(kernels);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace onpath
