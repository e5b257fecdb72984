/** From an image to what the model takes: once with sharp and a loop, once with onpath. Both fill float32 planes, 3 x 224 x 224. */
import { PipelineFamily } from 'onpath';
import sharp from 'sharp';

export const SIDE = 224;
export const PLANES = 3 * SIDE * SIDE;
/** Per channel, of ImageNet. */
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

// One thread an image: a service has as many images as cores, and its figures are easier to read.
sharp.concurrency(1);
sharp.cache(false);

/**
 * What onpath does with images of every size up to the largest, in transit or in a call. The resize is Pillow's, bit for bit.
 * @param {{ width: number, height: number }} largest
 */
export function compileFamily({ width, height }) {
  return PipelineFamily.compile({
    input: { kind: 'image', maxWidth: width, maxHeight: height, format: 'rgb' },
    stages: [
      { stage: 'resize', width: SIDE, height: SIDE, profile: 'pillow', filter: 'bilinear' },
      { stage: 'normalize', mean: MEAN, std: STD },
    ],
    output: { dtype: 'float32', layout: 'chw' },
  });
}

/**
 * @typedef {object} Image
 * @property {Uint8Array} bytes rgb pixels if there is a width, else a JPEG, PNG or WebP file
 * @property {number} width 0: a file
 * @property {number} height
 */

/**
 * @typedef {(image: Image, planes: Float32Array) => Promise<void>} Prepare fills planes that are there: fresh memory for every image would
 * cost more than what is done with it
 */

/** @returns {Prepare} */
export function withSharp({ width, height }) {
  const tables = MEAN.map((mean, channel) =>
    Float32Array.from({ length: 256 }, (_, level) => (level / 255 - mean) / STD[channel]),
  );
  return async (image, planes) => {
    const pixels = await opened(image, width * height)
      .resize(SIDE, SIDE, { kernel: 'linear', fit: 'fill' })
      .raw()
      .toBuffer();
    const [red, green, blue] = tables;
    for (let to = 0, from = 0; to < SIDE * SIDE; to++, from += 3) {
      planes[to] = red[pixels[from]];
      planes[SIDE * SIDE + to] = green[pixels[from + 1]];
      planes[2 * SIDE * SIDE + to] = blue[pixels[from + 2]];
    }
  };
}

/** The same pipeline as in transit, as a call: the same bits. @returns {Prepare} */
export function withOnpath(largest) {
  const family = compileFamily(largest);
  return async (image, planes) => {
    const { bytes, width, height } = image.width > 0 ? image : await decode(image);
    family.for(width, height).run(bytes, { into: planes });
  };
}

/** The pixels of a file. @returns {Promise<Image>} */
export async function decode(image, mostPixels = 2 ** 28) {
  const { data, info } = await opened(image, mostPixels).raw().toBuffer({ resolveWithObject: true });
  return { bytes: data, width: info.width, height: info.height };
}

function opened({ bytes, width, height }, mostPixels) {
  if (width > 0) return sharp(bytes, { raw: { width, height, channels: 3 } });
  return sharp(bytes, { limitInputPixels: mostPixels }).toColourspace('srgb').removeAlpha();
}
