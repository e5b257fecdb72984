/** A terminal's other screen, drawn over and over, until q or Ctrl-C. */

const ENTER = '\x1b[?1049h\x1b[?25l';
/** q, Q, Ctrl-C, Ctrl-D. */
const ENDS = [0x71, 0x51, 0x03, 0x04];
const LEAVE = '\x1b[?25h\x1b[?1049l';

export class Screen implements Disposable {
  /** Aborted when q or Ctrl-C is pressed. */
  readonly left: AbortSignal;
  readonly #giveBack: () => void;
  #last = '';

  constructor() {
    const controller = new AbortController();
    this.left = controller.signal;
    const { stdin, stdout } = process;
    const onKey = (key: Buffer) => {
      if (key.some((byte) => ENDS.includes(byte))) controller.abort();
    };
    const onResize = () => this.draw(this.#last);
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', onKey);
    stdout.on('resize', onResize).write(ENTER);
    this.#giveBack = () => {
      stdout.off('resize', onResize).write(LEAVE);
      stdin.off('data', onKey).pause();
      if (stdin.isTTY) stdin.setRawMode(false);
    };
  }

  /** What does not fit is cut off. */
  draw(text: string): void {
    this.#last = text;
    const { rows, columns } = process.stdout;
    // A terminal that does not know its size says 0.
    const lines = text
      .split('\n')
      .slice(0, rows || undefined)
      .map((line) => [...line].slice(0, columns || undefined).join(''));
    process.stdout.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`);
  }

  [Symbol.dispose](): void {
    this.#giveBack();
  }
}
