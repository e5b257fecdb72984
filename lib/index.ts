/** onpath: lookup-table programs on live packets. */
export { Capture, type CaptureOptions, type CaptureStats } from './capture.js';
export { Dataplane, type PlaneStats } from './dataplane.js';
export {
  type Device,
  type DpdkUse,
  devices,
  type InterfaceType,
  type KernelInterface,
  type LinkState,
  type MissingStep,
  type PciDevice,
} from './devices.js';
export { OnpathError } from './errors.js';
export { Explanation, type StepExplanation } from './explanation.js';
export { DROP_REASONS, type DropReason } from './generated/drop-reasons.js';
export { ERROR_CODES, type ErrorCode } from './generated/error-codes.js';
export {
  type LatencyBucket,
  LatencyHistogram,
  type LatencyStage,
  type LatencySummary,
  type PlaneLatency,
} from './latency.js';
export { LookupTable } from './lookup-table.js';
export type {
  MemoryItem,
  NativePortStats as PortStats,
  NativeRouteStats as RouteStats,
  NativeWorkerStats as WorkerStats,
} from './native.js';
export {
  type ChunkResult,
  type CompileOptions,
  type EmittedRun,
  type Into,
  Pipeline,
  PipelineStream,
  type Pixels,
  RunResult,
} from './pipeline.js';
export { type FamilyInput, PipelineFamily } from './pipeline-family.js';
export type { PlaneEvent, PortEvent, WorkerEvent } from './plane-events.js';
export type { PlanePart, PlaneTables, PlaneVocabularies } from './plane-parts.js';
export type {
  DpdkPortInfo,
  MemoryPortInfo,
  OffloadHook,
  OffloadReport,
  OffloadState,
  PortInfo,
  PortState,
  UdpPortInfo,
} from './port-info.js';
export { absentOffloads, offloadHooks } from './port-info.js';
export { type PresetOptions, presetSpec } from './presets/image-processor.js';
export { type LetterboxOptions, letterboxSpec } from './presets/letterbox.js';
export { Batch, Sample, type SampleInfo, type SampleSource } from './sample.js';
export {
  type ChannelFormat,
  type DataplaneSpec,
  type DType,
  type InputFormat,
  jsonSchema,
  type Layout,
  type Order,
  type PipelineFamilySpec,
  type PipelineSpec,
  type PortSpec,
  type RouteSpec,
  type SenderSpec,
  type StageSpec,
  type TextPipelineSpec,
} from './schema.js';
export { parseSdp, type VideoDescription } from './sdp.js';
export { type ReceiverReport, Sender, type SenderStats, type SendReport } from './sender.js';
export { type ImageFormat, type PlannedSerialization, Serialization } from './serialization.js';
export type { ListedVersion, RoutePipeline, RouteVersion } from './swaps.js';
export type { OutputFormat, Outputs, Tensor, TensorData } from './tensor.js';
export type { AddedToken, NewToken } from './text/added-tokens.js';
export type { ChatMessage, ChatTemplateOptions } from './text/chat.js';
export { Encoding, type OffsetUnit } from './text/encoding.js';
export type { LoadOptions, VocabularyFormat } from './text/formats.js';
export type {
  BatchOptions,
  EncodeOptions,
  PaddingOptions,
  SpecialOptions,
  SpecialPolicy,
  StreamOptions,
  TextInput,
  TokenizeBatchOptions,
  TokenizeOptions,
  TruncationOptions,
} from './text/options.js';
export { DecodeStream, type StreamedTokens, TokenStream } from './text/token-stream.js';
export { TextPipeline, TextPipelineStream, type TextResult } from './text-pipeline.js';
export type { TextPart, TextSample } from './text-sample.js';
export { type TextPiece, TextSender, type TextSource } from './text-sender.js';
export { Tokenizer } from './tokenizer.js';
