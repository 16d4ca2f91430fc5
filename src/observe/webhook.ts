import type { System } from '../base/system.ts';
import { createSender, type Delivery, type SenderSlice } from './send-message.ts';
import type { WarningWay } from './warning-way.ts';

export interface WebhookSlice extends SenderSlice {
  /** Secret: tokens live in it. Nothing that comes out of here repeats more of it than the host. */
  readonly url: string;
}

/** Posts messages as JSON to somebody's address. */
export function createWebhook(slice: WebhookSlice, deps: { readonly system: System }): WarningWay<object> {
  const { url } = slice;
  const sender = createSender(slice, deps);
  return {
    host: new URL(url).host,
    post: (message, signal): Promise<Delivery> => sender.send({ method: 'POST', url, message }, signal),
    close: sender.close,
  };
}
