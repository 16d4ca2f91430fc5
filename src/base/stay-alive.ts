/** Keeps the process running until the result is called: the timers of a System do not. */
export function stayAlive(): () => void {
  const { port1 } = new MessageChannel();
  port1.ref();
  return () => port1.close();
}
