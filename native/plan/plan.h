// A compiled pipeline. Immutable, portable, named by its content hash.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/result.h"
#include "base/sha256.h"
#include "plan/spec.h"

namespace onpath {

/// element: an output element depends on one input element. placed: chunks in any order. sequential: stream
/// order.
enum class StageClass : uint8_t { element = 0, placed = 1, sequential = 2 };

/// What is on the wire: the serialized input sample. Offsets count in its `bytes`.
struct SampleFormat {
  uint32_t width = 0;
  uint32_t height = 0;
  PixelFormat format = PixelFormat::rgb;
  SerializationOrder order = SerializationOrder::row_major;
  bool skip_unread = false;
  bool row_major = true;       // the bytes are those of the row-major image, whatever the order is called
  uint32_t element_bytes = 0;  // of a pixel group, or 1 if planar; a chunk on the wire holds whole ones
  uint64_t bytes = 0;          // of the serialized sample
  std::string text;            // canonical, see format_text()
  uint32_t digest = 0;         // first 32 bits of sha256(text)
};

/// The canonical text of row-major images, whose hash is the digest:
/// "onpath-sample/1 dtype=uint8 channels=rgb order=row-major". Dimensions are not part of it: they travel in
/// the chunk header or are fixed by the route. Other orders: see plan/order.h.
std::string format_text(PixelFormat format);

/// First 32 bits of the SHA-256 of a canonical text.
uint32_t format_digest(const std::string& text);
/// The format of row-major images.
SampleFormat row_major_format(uint32_t width, uint32_t height, PixelFormat format);

struct OutputFormat {
  std::string name;
  DType dtype = DType::uint8;
  Layout layout = Layout::hwc;
  PixelFormat format = PixelFormat::rgb;  // what its channels mean
  std::vector<uint32_t> shape;            // elements: {height, width, channels} or {channels, height, width}
  uint64_t bytes = 0;
};

struct Step;  // step.h: kinds, tables and state layouts, for the plan room only

class Plan {
 public:
  virtual ~Plan() = default;
  virtual const SampleFormat& input() const = 0;
  virtual std::span<const OutputFormat> outputs() const = 0;
  virtual StageClass stage_class() const = 0;
  /// Input bytes that the output depends on: all, or those inside a crop that comes first.
  virtual uint64_t read_bytes() const = 0;
  /// Whether output bytes lie at the offsets of the input bytes they depend on, so that a packet can be
  /// turned into output where it lies and sent on.
  virtual bool works_in_place() const = 0;
  /// Bytes of tables, and the most bytes that one sample's state (coverage included) can take.
  virtual uint64_t table_bytes() const = 0;
  virtual uint64_t state_bytes() const = 0;
  /// The same for a state that takes whole pixel groups only (Granularity::element).
  virtual uint64_t packet_state_bytes() const = 0;
  virtual const Hash& hash() const = 0;
  /// The versioned byte form; ends with the content hash.
  virtual std::vector<uint8_t> to_bytes() const = 0;
};

using PlanPtr = std::shared_ptr<const Plan>;

/// Compiles a specification. Errors: INVALID_SPEC, UNSUPPORTED, LIMIT_EXCEEDED.
Result<PlanPtr> compile(const PipelineSpec& spec);

/// Reads the byte form back; every field is validated, whatever the hash says.
/// Errors: INVALID_PLAN; LIMIT_EXCEEDED if one sample could need more than `max_state_bytes`.
Result<PlanPtr> plan_from_bytes(std::span<const uint8_t> bytes, uint64_t max_state_bytes = 256u << 20);

/// One row of explain(): a step as compiled and bound.
struct StepExplanation {
  std::string step;  // "resize pillow bilinear 1280x720 -> 224x224"
  StageClass stage_class = StageClass::element;
  uint64_t naive_table_entries = 0;  // as the definition would need without sharing
  uint64_t table_entries = 0;        // what is stored
  uint64_t table_bytes = 0;
  uint64_t window_bytes = 0;  // held back when chunks come in order
  uint64_t state_bytes = 0;   // at worst, in any order
  std::string state;          // chosen layout, and the bytes of the ones not chosen
  std::string kernel;         // "avx3_dl", "avx2", "scalar", ...
  std::string tables;         // how many distinct ones of how many, in words
};

}  // namespace onpath
