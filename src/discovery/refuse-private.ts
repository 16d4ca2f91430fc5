import type { HttpsExchange } from '../base/https-exchange.ts';
import { type AddressScope, addressScope, isPublicAddress } from '../base/public-address.ts';

const WORDS: Readonly<Record<AddressScope, string>> = {
  public: 'public',
  loopback: 'of the machine itself',
  private: 'of a private network',
  'link-local': 'of one link only',
  shared: "of a provider's inner network",
  'unique-local': 'of a private network',
  multicast: 'for multicast',
  reserved: 'reserved',
};

/** Why a stranger may not make us connect to an address: a clause; undefined when it is public. */
export function whyNotPublic(address: string): string | undefined {
  const scope = addressScope(address);
  return scope === 'public' ? undefined : `${address} is ${WORDS[scope]}, and only public addresses are asked here`;
}

/**
 * An exchange for what is done on a stranger's behalf (server-side request forgery): the same one, but it never connects
 * to an address that is not public. Since addresses are dialled and names are not looked up again, there is no second
 * answer of the DNS to be fooled by.
 */
export function refusePrivateAddresses(exchange: HttpsExchange): HttpsExchange {
  return {
    async request(request, options) {
      if (isPublicAddress(request.address)) return exchange.request(request, options);
      options.signal.throwIfAborted();
      const words = whyNotPublic(request.address) ?? '';
      return { ok: false, failure: 'unreachable', words, tls: undefined, took: 0 };
    },
  };
}
