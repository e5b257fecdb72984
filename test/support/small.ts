/** A small image, two pipelines over it, and where a plane on loopback takes it: what several loopback tests share. */
import type { Dataplane, PipelineSpec } from '../../lib/index.js';
import { noiseImage } from './images.js';

export const input = { kind: 'image', width: 24, height: 16, format: 'rgb' } as const;
export const { width, height, format } = input;
export const resize: PipelineSpec = { input, stages: [{ stage: 'resize', width: 20, height: 18 }] };
export const tensor: PipelineSpec = {
  input,
  stages: [{ stage: 'normalize', mean: 0.5, std: 0.5 }],
  output: { layout: 'chw', dtype: 'float16' },
};
export const image = (seed: number) => noiseImage(width, height, format, seed);
export const to = (plane: Dataplane, port = 'in') => `127.0.0.1:${plane.address(port).port}`;
