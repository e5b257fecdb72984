// exact4 on a sample that travels tile by tile: where no input pixel has two readers, each output pixel has a
// tile of its own, at most four pixels of it read, and is finished when the last of these has come, whatever
// came of its neighbours. The same integers through the same kernels as rows take, so the same bits.
#pragma once

#include <cstdint>
#include <memory>

#include "kernel/kernels.h"
#include "stage/resize.h"
#include "stage/sample_order.h"
#include "stage/stage.h"

namespace onpath {

/// Whether every input row and column of this resize has at most one reader, and each reads at most two.
bool takes_tiles(const ResizeStep& step);

/// Takes serialized runs, not image runs. `order` is tile-major for `step`: band i of its rows (columns) ends
/// with what output row (column) i reads, and what no output reads may stand before that and in one last
/// band. Both are referred to. Throws std::bad_alloc.
std::unique_ptr<Stage> make_tile_lerp_stage(const ResizeStep& step, const SampleOrder& order,
                                            const KernelSet& kernels);

/// Bytes that one sample's state takes: room for every tile to be incomplete.
uint64_t tile_lerp_state_bytes(const ResizeStep& step);
/// Bytes held back at most when chunks come in order: those of one tile that are read.
uint64_t tile_lerp_window_bytes(const ResizeStep& step);

}  // namespace onpath
