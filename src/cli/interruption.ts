/** Ctrl-C or SIGTERM, for a command that lasts and ends in order. */
export interface Interruption {
  readonly signal: AbortSignal;
  readonly happened: Promise<void>;
  forget(): void;
}

/** Until `forget`, Ctrl-C and SIGTERM abort the signal and do not end the process. */
export function watchForInterruption(): Interruption {
  const controller = new AbortController();
  const happened = new Promise<void>((resolve) => {
    controller.signal.addEventListener('abort', () => resolve());
  });
  const interrupt = (): void => controller.abort();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  return {
    signal: controller.signal,
    happened,
    forget: () => void process.off('SIGINT', interrupt).off('SIGTERM', interrupt),
  };
}
