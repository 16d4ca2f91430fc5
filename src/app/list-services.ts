import type { UpstreamPool } from '../base/address.ts';
import type { ServerConfig } from '../config/config.ts';

/** A program beside a homeserver that answers some requests in its place. */
export interface SideService {
  /** For people, without an article. */
  readonly name: string;
  readonly upstream: UpstreamPool;
  /** What is the case while it is away, a clause. */
  readonly without: string;
}

/** Those of one homeserver; requests wait for them as for the homeserver itself. */
export function listServices({ mas, rtc }: Pick<ServerConfig, 'mas' | 'rtc'>): readonly SideService[] {
  const services: SideService[] = [];
  if (mas !== undefined)
    services.push({
      ...{ name: 'authentication service', upstream: mas },
      without: 'logins, logouts and refreshes wait',
    });
  if (rtc !== undefined) {
    services.push({ name: 'token service for calls', upstream: rtc.jwt, without: 'nobody gets into a call' });
    services.push({ name: 'media server for calls', upstream: rtc.sfu, without: 'there are no calls' });
  }
  return services;
}
