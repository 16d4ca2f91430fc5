import type { Delivery } from './send-message.ts';
import type { WarningMessage } from './warning-message.ts';

/** A way on which warnings reach people. */
export interface WarningWay<Message = WarningMessage> {
  /** What may be said of where it leads. */
  readonly host: string;
  /**
   * One try. `transaction` is the same for the same message, however often it is tried and by whom, and then never again.
   * Rejects only with the signal's reason.
   */
  post(message: Message, signal: AbortSignal, transaction: string): Promise<Delivery>;
  /** Ends a try under way. Idempotent. */
  close(): Promise<void>;
}
