/** The models: float32 planes or ids of tokens in, logits of classes out. The same for both variants. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { PLANES, SIDE } from './preprocess.js';

const ONE_THREAD = { intraOpNumThreads: 1, interOpNumThreads: 1 };

/** Takes planes as float32, read where they lie: nothing is copied. */
export const openModel = (file) =>
  open(file, (planes) => new Tensor('float32', planes, [1, 3, SIDE, SIDE]), new Float32Array(PLANES));

/** Takes ids as uint32, read where they lie, as the numbers with a sign that the model takes. */
export const openTextModel = (file) =>
  open(
    file,
    (ids) => new Tensor('int32', new Int32Array(ids.buffer, ids.byteOffset, ids.length), [ids.length]),
    new Uint32Array(1),
  );

/**
 * With one thread: what the model costs is then what its processor time says. Runs it once, so that one which takes something else is
 * found out now.
 * @returns {Promise<{ classify(input): Promise<{ top: number, logits: Float32Array }> }>}
 */
async function open(file, tensorOf, first) {
  const session = await InferenceSession.create(file, ONE_THREAD);
  const classify = (input) => classes(session, tensorOf(input));
  await classify(first);
  return { classify };
}

async function classes(session, tensor) {
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  const results = await session.run({ [input]: tensor });
  const logits = results[output].data;
  let top = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[top]) top = i;
  return { top, logits };
}
