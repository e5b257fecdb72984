/** The models: float32 planes or ids of tokens in, logits of classes out. The same for both variants. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { PLANES, SIDE } from './preprocess.js';

const ONE_THREAD = { intraOpNumThreads: 1, interOpNumThreads: 1 };

export class Model {
  #session;

  constructor(session) {
    this.#session = session;
  }

  /**
   * With one thread: what the model costs is then what its processor time says. Runs it once, so that one which takes something else is
   * found out now.
   */
  static async open(file) {
    const model = new Model(await InferenceSession.create(file, ONE_THREAD));
    await model.classify(new Float32Array(PLANES));
    return model;
  }

  /**
   * @param {Float32Array} planes read where they lie: nothing is copied
   * @returns {Promise<{ top: number, logits: Float32Array }>}
   */
  classify(planes) {
    return classes(this.#session, new Tensor('float32', planes, [1, 3, SIDE, SIDE]));
  }
}

export class TextModel {
  #session;

  constructor(session) {
    this.#session = session;
  }

  /** With one thread, and run once, as `Model`. */
  static async open(file) {
    const model = new TextModel(await InferenceSession.create(file, ONE_THREAD));
    await model.classify(new Uint32Array(1));
    return model;
  }

  /**
   * @param {Uint32Array} ids read where they lie, as the numbers with a sign that the model takes
   * @returns {Promise<{ top: number, logits: Float32Array }>}
   */
  classify(ids) {
    const signed = new Int32Array(ids.buffer, ids.byteOffset, ids.length);
    return classes(this.#session, new Tensor('int32', signed, [ids.length]));
  }
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
