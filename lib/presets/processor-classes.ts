/** Hugging Face's image processors, class by class: what a configuration that leaves a field out gets. */

/** What the fields of a preprocessor_config.json are called there, those that decide the result. */
export interface ProcessorDefaults {
  readonly do_resize: boolean;
  /** As the class writes it. */
  readonly size: Readonly<Record<string, number>>;
  /** What an integer `size` means: both sides (true), or the shortest edge. */
  readonly default_to_square: boolean;
  /** Pillow's number of the filter. */
  readonly resample: number;
  readonly do_center_crop: boolean;
  readonly crop_size?: Readonly<Record<string, number>>;
  readonly do_rescale: boolean;
  readonly rescale_factor: number;
  readonly do_normalize: boolean;
  readonly image_mean: readonly number[];
  readonly image_std: readonly number[];
  readonly do_convert_rgb: boolean;
  /** ConvNeXT only: the share of the resized image that the crop keeps, below 384 pixels. */
  readonly crop_pct?: number;
}

const BILINEAR = 2;
const BICUBIC = 3;
const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD = [0.26862954, 0.26130258, 0.27577711];
const HALF = [0.5, 0.5, 0.5];

const always = { do_resize: true, do_rescale: true, rescale_factor: 1 / 255, do_normalize: true };
const squared = (side: number) => ({ height: side, width: side });

const clip: ProcessorDefaults = {
  ...always,
  size: { shortest_edge: 224 },
  default_to_square: false,
  resample: BICUBIC,
  do_center_crop: true,
  crop_size: squared(224),
  image_mean: CLIP_MEAN,
  image_std: CLIP_STD,
  do_convert_rgb: true,
};

/** Defaults of transformers 5.23, by class without `Fast`, `Pil` and `FeatureExtractor`. */
export const PROCESSOR_CLASSES: Readonly<Record<string, ProcessorDefaults>> = {
  CLIP: clip,
  Llava: clip,
  Bit: clip,
  Siglip: {
    ...always,
    size: squared(224),
    default_to_square: false,
    resample: BICUBIC,
    do_center_crop: false,
    image_mean: HALF,
    image_std: HALF,
    do_convert_rgb: true,
  },
  ViT: {
    ...always,
    size: squared(224),
    default_to_square: true,
    resample: BILINEAR,
    do_center_crop: false,
    image_mean: HALF,
    image_std: HALF,
    do_convert_rgb: false,
  },
  DeiT: {
    ...always,
    size: squared(256),
    default_to_square: true,
    resample: BICUBIC,
    do_center_crop: true,
    crop_size: squared(224),
    image_mean: HALF,
    image_std: HALF,
    do_convert_rgb: false,
  },
  ConvNext: {
    ...always,
    size: { shortest_edge: 384 },
    default_to_square: false,
    resample: BICUBIC,
    do_center_crop: false,
    image_mean: HALF,
    image_std: HALF,
    do_convert_rgb: false,
    crop_pct: 224 / 256,
  },
};
