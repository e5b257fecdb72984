/** What was compiled, step by step, as rows and as a table to read. */
import type { NativeProgram } from './native.js';
import type { NativeTextProgram } from './native-text.js';

/** How a step of the plan was compiled and bound; see `Pipeline.explain`. */
export interface StepExplanation {
  readonly step: string;
  readonly stageClass: 'element' | 'placed' | 'sequential';
  /** Table entries that the definition would need if nothing were shared. */
  readonly naiveTableEntries: number;
  /** Table entries that are stored. */
  readonly tableEntries: number;
  readonly tableBytes: number;
  /** What the tables hold: distinct weight vectors, naive and deduplicated entries. */
  readonly tables: string;
  /** Bytes held back when chunks come in order. */
  readonly windowBytes: number;
  /** Bytes of state at worst, in any order. */
  readonly stateBytes: number;
  /** The state layout that was chosen, and what the others would take. */
  readonly state: string;
  readonly kernel: string;
}

/** `explain()`: rows to read by program, and `toString()` for people. */
export class Explanation {
  readonly hash: string;
  readonly kernels: string;
  readonly steps: readonly StepExplanation[];
  readonly tableBytes: number;
  readonly stateBytes: number;

  /** @internal */
  constructor(program: NativeProgram | NativeTextProgram) {
    this.hash = program.info.hash;
    this.kernels = program.info.kernels;
    this.tableBytes = program.info.tableBytes;
    this.stateBytes = program.info.stateBytes;
    this.steps = program.explain();
  }

  /** A table of the steps, for people. */
  toString(): string {
    const count = (n: number) => n.toLocaleString('en-US');
    const rows = this.steps.map((s) => [
      s.step,
      s.stageClass,
      count(s.naiveTableEntries),
      count(s.tableEntries),
      count(s.tableBytes),
      count(s.windowBytes),
      count(s.stateBytes),
      s.kernel,
    ]);
    const head = ['step', 'class', 'naive entries', 'entries', 'table bytes', 'window', 'state', 'kernel'];
    const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
    const line = (cells: readonly string[]) =>
      cells
        .map((cell, i) => (i >= 2 && i <= 6 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd();
    const notes = this.steps
      .filter((s) => s.tables !== 'none')
      .map((s) => `${s.step}\n  tables: ${s.tables}\n  state: ${s.state}`);
    return [
      `plan ${this.hash.slice(0, 16)}, kernels ${this.kernels}, tables ${count(this.tableBytes)} B, state at worst ${count(this.stateBytes)} B a sample`,
      line(head),
      ...rows.map(line),
      ...notes,
    ].join('\n');
  }
}
