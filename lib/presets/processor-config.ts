/** preprocessor_config.json: found, read, checked field by field, and completed with the defaults of its class. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { OnpathError } from '../errors.js';
import { parse, shown } from '../validate.js';
import { PROCESSOR_CLASSES } from './processor-classes.js';

const side = z.int().min(1).max(65535);
/** An integer, [height, width], or named sides. */
const sizeField = z.union([side, z.array(side).length(2), z.record(z.string(), side.nullable())]);
const perChannel = z.union([z.number(), z.array(z.number()).length(3)]);

const configFields = z.looseObject({
  image_processor_type: z.string().nullable().optional(),
  feature_extractor_type: z.string().nullable().optional(),
  do_resize: z.boolean().nullable().optional(),
  size: sizeField.nullable().optional(),
  default_to_square: z.boolean().nullable().optional(),
  resample: z.int().min(0).max(5).nullable().optional(),
  do_center_crop: z.boolean().nullable().optional(),
  crop_size: sizeField.nullable().optional(),
  do_rescale: z.boolean().nullable().optional(),
  rescale_factor: z.number().positive().nullable().optional(),
  do_normalize: z.boolean().nullable().optional(),
  image_mean: perChannel.nullable().optional(),
  image_std: perChannel.nullable().optional(),
  do_convert_rgb: z.boolean().nullable().optional(),
  crop_pct: z.number().positive().nullable().optional(),
});
type ConfigFields = z.output<typeof configFields>;

/** Fields that say where a configuration comes from or how batches are handled, not what an image becomes. */
const WITHOUT_EFFECT = new Set([
  '_name_or_path',
  '_processor_class',
  '_valid_processor_keys',
  '_valid_kwargs_names',
  'commit_hash',
  'device',
  'disable_grouping',
  'image_seq_length',
  'model_input_names',
  'name_or_path',
  'num_additional_image_tokens',
  'patch_size',
  'processor_class',
  'return_tensors',
  'transformers_version',
  'vision_feature_select_strategy',
]);
/** Fields that only do something when a switch is on; the switch itself is refused when it is. */
const UNDER_SWITCH: Readonly<Record<string, string>> = {
  pad_size: 'do_pad',
  size_divisor: 'do_pad',
  pan_and_scan_min_crop_size: 'do_pan_and_scan',
  pan_and_scan_max_num_crops: 'do_pan_and_scan',
  pan_and_scan_min_ratio_to_activate: 'do_pan_and_scan',
  max_image_size: 'do_image_splitting',
};

/** A configuration with every field filled in. A switch that is null is off, as it is there; other fields may be null while unused. */
export interface ProcessorConfig {
  /** The class, without `ImageProcessor`: `CLIP`, `ConvNext`, ... */
  readonly family: string;
  /** Whether the configuration names the processor that works on torch tensors. */
  readonly fast: boolean;
  readonly do_resize: boolean;
  readonly do_center_crop: boolean;
  readonly do_rescale: boolean;
  readonly do_normalize: boolean;
  readonly do_convert_rgb: boolean;
  readonly default_to_square: boolean;
  readonly size: SizeField;
  readonly crop_size: SizeField;
  readonly resample: number | null;
  readonly rescale_factor: number | null;
  readonly image_mean: PerChannel;
  readonly image_std: PerChannel;
  /** Of ConvNeXT only. */
  readonly crop_pct: number | undefined;
}
/** As a configuration gives it: an integer, [height, width], or named sides. */
export type SizeField = number | readonly number[] | Readonly<Record<string, number | null>> | null;
type PerChannel = number | readonly number[] | null;

/**
 * @param source A model's folder, the path of its JSON file, or the parsed object.
 * @throws OnpathError INVALID_ARGUMENT (cannot be read), INVALID_SPEC (a field has a wrong value), UNSUPPORTED (a class or field that
 *   would change the result in a way that is not known here; the message names it)
 */
export function readProcessorConfig(source: string | object): ProcessorConfig {
  const given = parse(configFields, typeof source === 'string' ? readSource(source) : source, 'processor');
  const { family, fast } = familyOf(given);
  const defaults = PROCESSOR_CLASSES[family]!;
  refuseUnknown(given, family);
  return {
    family,
    fast,
    do_resize: or(given.do_resize, defaults.do_resize) ?? false,
    do_center_crop: or(given.do_center_crop, defaults.do_center_crop) ?? false,
    do_rescale: or(given.do_rescale, defaults.do_rescale) ?? false,
    do_normalize: or(given.do_normalize, defaults.do_normalize) ?? false,
    do_convert_rgb: or(given.do_convert_rgb, defaults.do_convert_rgb) ?? false,
    default_to_square: or(given.default_to_square, defaults.default_to_square) ?? false,
    size: or<SizeField>(given.size, defaults.size),
    crop_size: or<SizeField>(given.crop_size, defaults.crop_size ?? null),
    resample: or<number | null>(given.resample, defaults.resample),
    rescale_factor: or<number | null>(given.rescale_factor, defaults.rescale_factor),
    image_mean: or<PerChannel>(given.image_mean, defaults.image_mean),
    image_std: or<PerChannel>(given.image_std, defaults.image_std),
    crop_pct: given.crop_pct ?? defaults.crop_pct,
  };
}

/** What is given, null included. */
function or<T>(given: T | null | undefined, otherwise: T): T | null {
  return given === undefined ? otherwise : given;
}

function readSource(path: string): unknown {
  const file = fileOf(path);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, (cause as Error).message, cause);
  }
  try {
    return imageProcessorIn(JSON.parse(text));
  } catch (cause) {
    throw unreadable(file, `it is not JSON: ${(cause as Error).message}`, cause);
  }
}

/** In a folder, the file that Hugging Face prefers: processor_config.json if it holds the image processor. */
function fileOf(path: string): string {
  if (!(statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)) return path;
  const nested = join(path, 'processor_config.json');
  if (existsSync(nested) && readFileSync(nested, 'utf8').includes('"image_processor"')) return nested;
  return join(path, 'preprocessor_config.json');
}

function imageProcessorIn(json: unknown): unknown {
  const nested = typeof json === 'object' && json !== null && 'image_processor' in json;
  return nested ? json.image_processor : json;
}

function unreadable(file: string, why: string, cause: unknown): OnpathError {
  return new OnpathError(
    'INVALID_ARGUMENT',
    `${shown(file)} could not be read: ${why}. Pass a folder with preprocessor_config.json, the path of that file, or its parsed content.`,
    { cause },
  );
}

function familyOf(given: ConfigFields): { family: string; fast: boolean } {
  const type = given.image_processor_type ?? given.feature_extractor_type;
  if (type === null || type === undefined) {
    throw new OnpathError(
      'UNSUPPORTED',
      'processor names no class: neither image_processor_type nor feature_extractor_type is there. Add image_processor_type, such as "CLIPImageProcessor".',
    );
  }
  const match = /^(\w+?)(?:FeatureExtractor|ImageProcessor(Fast|Pil)?)$/.exec(type);
  const family = match?.[1] ?? '';
  if (!Object.hasOwn(PROCESSOR_CLASSES, family)) {
    throw new OnpathError(
      'UNSUPPORTED',
      `processor.image_processor_type is ${shown(type)}; this version knows ${knownClasses()}. Write the stages yourself for others.`,
    );
  }
  return { family, fast: match?.[2] === 'Fast' };
}

function knownClasses(): string {
  return Object.keys(PROCESSOR_CLASSES)
    .map((family) => `${family}ImageProcessor`)
    .join(', ');
}

/** What is not known must not be passed over: it could change every pixel. */
function refuseUnknown(given: ConfigFields, family: string): void {
  for (const [field, value] of Object.entries(given)) {
    if (value === null || value === undefined) continue;
    const known = field in configFields.shape && (field !== 'crop_pct' || family === 'ConvNext');
    if (known || WITHOUT_EFFECT.has(field)) continue;
    if (field.startsWith('do_') && value === false) continue;
    if (field === 'data_format' && value === 'channels_first') continue;
    const needs = UNDER_SWITCH[field];
    if (needs !== undefined && (given[needs] ?? false) === false) continue;
    throw new OnpathError(
      'UNSUPPORTED',
      `processor.${field} is ${shown(value)}, and this version does not know what that does to an image with ${family}ImageProcessor. Remove the field if it does nothing, or write the stages yourself.`,
    );
  }
}
