/** The model: float32 planes in, class and logits out. The same for both variants. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { SIDE } from './preprocess.js';

export class Model {
  #session;

  constructor(session) {
    this.#session = session;
  }

  /** One thread: what an image costs is then what its request costs. */
  static async open(file) {
    return new Model(await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 }));
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
