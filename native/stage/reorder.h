// The front of a chain whose sample is not the row-major image: runs of the serialized sample in, runs of the
// image out. Tiles and skipped pixels only move: nothing is held back. Planes are gathered into rows, which
// go on when their last channel is complete.
#pragma once

#include <memory>

#include "stage/sample_order.h"
#include "stage/stage.h"

namespace onpath {

std::unique_ptr<Stage> make_reorder_stage(const SampleOrder& order);

/// Bytes that one sample's state takes.
uint64_t reorder_state_bytes(const SampleOrder& order);
/// Bytes held back at most when chunks come in order.
uint64_t reorder_window_bytes(const SampleOrder& order);

}  // namespace onpath
