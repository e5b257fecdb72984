/** Takes what a host route makes, so that its slots go round, and looks at some of it while somebody watches. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dataplane } from '../dataplane.js';
import type { Batch, Sample } from '../sample.js';
import { TextPipeline } from '../text-pipeline.js';
import type { TextPart, TextSample } from '../text-sample.js';
import type { History } from './history.js';
import type { Latest } from './latest.js';
import { lookAt } from './latest-tensor.js';
import { keyOf, TextLook } from './latest-text.js';

/** Between two looks at samples of a route. */
const LOOK_MS = 200;
/** A text whose end has not come for so long gives its place to another. */
const GIVE_UP_MS = 2000;
/** Samples that are taken before timers, signals and sockets have their turn again. */
const TAKEN_AT_ONCE = 64;

/** What a route delivers. */
export type Delivers = 'samples' | 'batches' | 'texts' | 'parts';

export class Consumer {
  readonly #plane: Dataplane;
  readonly #route: string;
  readonly #delivers: Delivers;
  readonly #history: History;
  readonly #isWatched: () => boolean;
  #latest: Latest | undefined;
  #lookedAt = -Infinity;
  /** Of which text the parts are looked at. */
  #open: { readonly key: string; readonly look: TextLook; readonly since: number } | undefined;

  constructor(
    plane: Dataplane,
    route: { readonly name: string; readonly delivers: Delivers },
    history: History,
    isWatched: () => boolean,
  ) {
    this.#plane = plane;
    this.#route = route.name;
    this.#delivers = route.delivers;
    this.#history = history;
    this.#isWatched = isWatched;
  }

  get latest(): Latest | undefined {
    return this.#latest;
  }

  /** Nobody watches any more: what was seen would be old when somebody does again. */
  forget(): void {
    this.#latest = undefined;
    this.#open = undefined;
    this.#lookedAt = -Infinity;
  }

  /** Until the plane is closed and everything is taken. */
  async run(): Promise<void> {
    let taken = 0;
    for await (const delivered of this.#plane[this.#delivers](this.#route)) {
      try {
        if (this.#isWatched()) this.#look(delivered);
      } catch {
        // A sample that cannot be shown is no reason to leave the others in their slots.
      } finally {
        if ('release' in delivered) delivered.release();
      }
      if (++taken % TAKEN_AT_ONCE === 0) await nextTurn();
    }
  }

  #look(delivered: Sample | Batch | TextSample | TextPart): void {
    if ('part' in delivered) this.#lookAtPart(delivered);
    else if (!this.#isDue()) return;
    else if ('release' in delivered) this.#lookAtTensor(delivered);
    else this.#lookAtText(delivered);
  }

  #isDue(): boolean {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_MS) return false;
    this.#lookedAt = now;
    return true;
  }

  #lookAtTensor(delivered: Sample | Batch): void {
    const { versionNumber } = delivered;
    const pipeline = this.#pipeline(versionNumber);
    if (pipeline === undefined || pipeline instanceof TextPipeline) return;
    const { name, layout, shape, dtype } = pipeline.outputs[0]!;
    const { data } = delivered.outputs[name]!;
    const elements = shape.reduce((all, side) => all * side, 1);
    const count = 'size' in delivered ? delivered.size : 1;
    const last = data.subarray((count - 1) * elements, count * elements);
    const look = lookAt(last, { dtype, layout, shape });
    this.#latest = { kind: 'tensor', at: Date.now(), shape, dtype, versionNumber, ...look };
  }

  #lookAtText(sample: TextSample): void {
    const look = this.#newText(sample);
    if (look === undefined) return;
    look.add(sample, true);
    this.#latest = look.latest(Date.now());
  }

  #lookAtPart(part: TextPart): void {
    const key = keyOf(part);
    const now = performance.now();
    if (this.#open !== undefined && now - this.#open.since > GIVE_UP_MS) this.#open = undefined;
    if (this.#open === undefined && part.part === 0 && this.#isDue()) {
      const look = this.#newText(part);
      if (look !== undefined) this.#open = { key, look, since: now };
    }
    if (this.#open?.key !== key) return;
    const { look } = this.#open;
    look.add(part, part.last);
    if (part.last) this.#open = undefined;
    if (part.last || this.#isDue()) this.#latest = look.latest(Date.now());
  }

  #newText(sample: TextSample): TextLook | undefined {
    const pipeline = this.#pipeline(sample.versionNumber);
    return pipeline instanceof TextPipeline ? new TextLook(sample, pipeline.tokenizer) : undefined;
  }

  /** Samples of a new version may come before the call that installs it has ended. */
  #pipeline(version: number) {
    const known = this.#history.find(this.#route, version);
    if (known === undefined) this.#history.record();
    return (known ?? this.#history.find(this.#route, version))?.pipeline;
  }
}
