// The byte form of resizes: their tables and steps. Reading trusts nothing: every size, index and weight is
// checked against what running the plan relies on. For plan_bytes.cc only.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "plan/byte_io.h"
#include "plan/step.h"

namespace onpath {

struct ResizeTables {
  std::vector<std::shared_ptr<const ResampleWeights>> resample;
  std::vector<std::shared_ptr<const LerpWeights>> lerp;
  std::vector<std::shared_ptr<const NearestPositions>> nearest;
};

void write(ByteWriter& out, const ResampleWeights& weights);
void write(ByteWriter& out, const LerpWeights& weights);
void write(ByteWriter& out, const NearestPositions& positions);

/// The step without its kind. Tables that it needs are added to `tables`.
void write(ByteWriter& out, const NamedResizeStep& step, DistinctTables& tables);
void write(ByteWriter& out, const NamedGatherStep& step, DistinctTables& tables);

/// As many tables of each kind, in the order of the members of ResizeTables. Errors: INVALID_PLAN, whose
/// message says what the bytes hold instead.
Result<void> read_resize_tables(ByteReader& in, const uint16_t (&counts)[3], ResizeTables* tables);

/// The step after an edge of width x height pixels of `channels` bytes. Errors as above.
Result<Step> read_resize_step(ByteReader& in, const ResizeTables& tables, uint32_t width, uint32_t height,
                              uint32_t channels);

}  // namespace onpath
