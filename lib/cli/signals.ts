/** SIGINT and SIGTERM end what a command does, not the process. */

/** Aborted by the first of either signal; a second one is Node's again, as both are once this is disposed. */
export function endedBySignals(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const giveBack = (): void => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  };
  const onSignal = (): void => {
    giveBack();
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return { signal: controller.signal, [Symbol.dispose]: giveBack };
}
