/** A bar on standard error, only where somebody looks at it. */
export class Progress {
  readonly #total: number;
  readonly #label: string;
  #done = 0;
  #drawn = 0;

  constructor(label: string, total: number) {
    this.#label = label;
    this.#total = total;
  }

  add(count: number): void {
    this.#done += count;
    const now = performance.now();
    if (!process.stderr.isTTY || (now - this.#drawn < 100 && this.#done < this.#total)) return;
    this.#drawn = now;
    const width = 30;
    const part = this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total);
    const filled = Math.round(part * width);
    const bar = '█'.repeat(filled) + '·'.repeat(width - filled);
    process.stderr.write(
      `\r${this.#label} ${bar} ${Math.floor(part * 100)} % (${this.#done}/${this.#total})`,
    );
  }

  end(): void {
    if (process.stderr.isTTY && this.#drawn > 0) process.stderr.write('\r\x1b[K');
  }
}
