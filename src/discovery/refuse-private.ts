import type { HttpsExchange } from '../base/https-exchange.ts';
import { type AddressScope, addressScope } from '../base/public-address.ts';

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
 * Ports of mail, name, login and file services of old, at which nobody has a homeserver, and where a stranger would
 * have us knock in our name: the "bad ports" of the Fetch Standard (section 2.9), as browsers refuse them.
 */
const OTHER_SERVICES: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** Why a stranger may not make us connect there, in a clause; undefined when it is public. */
function whyNotAsked({ address, port }: { readonly address: string; readonly port: number }): string | undefined {
  if (OTHER_SERVICES.has(port)) return `port ${port} belongs to another kind of service, and is not asked here`;
  return whyNotPublic(address);
}

/**
 * An exchange for what is done on a stranger's behalf (server-side request forgery): the same one, but it never connects
 * to an address that is not public, nor to a port of another service. Since addresses are dialled and names are not looked up again, there is no second
 * answer of the DNS to be fooled by.
 */
export function refusePrivateAddresses(exchange: HttpsExchange): HttpsExchange {
  return {
    async request(request, options) {
      const words = whyNotAsked(request);
      if (words === undefined) return exchange.request(request, options);
      options.signal.throwIfAborted();
      return { ok: false, failure: 'unreachable', words, tls: undefined, took: 0 };
    },
  };
}
