/** The model: float32 planes in, logits of classes out. The same for both variants. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { PLANES, SIDE } from './preprocess.js';

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
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
    const model = new Model(await InferenceSession.create(file, options));
    await model.classify(new Float32Array(PLANES));
    return model;
  }

  /**
   * @param {Float32Array} planes read where they lie: nothing is copied
   * @returns {Promise<{ top: number, logits: Float32Array }>}
   */
  async classify(planes) {
    const [input] = this.#session.inputNames;
    const [output] = this.#session.outputNames;
    const results = await this.#session.run({ [input]: new Tensor('float32', planes, [1, 3, SIDE, SIDE]) });
    const logits = results[output].data;
    let top = 0;
    for (let i = 1; i < logits.length; i++) if (logits[i] > logits[top]) top = i;
    return { top, logits };
  }
}
