import { parseAcmeDirectory } from './acme-directory.ts';
import { dnsProviders } from './dns-provider-table.ts';
import { resolvers } from './network-values.ts';
import { requiredSecret } from './secret-keys.ts';
import { defaultKey, optionalKey, optionalSection, requiredKey, section } from './table-shape.ts';
import { base64, choice, choices, emailAddress, nonEmptyText, path, text, word, yesOrNo } from './values.ts';

const acmeDirectory = text(parseAcmeDirectory);

/** `variables`: only the first authority has some. */
function externalAccount(variables: boolean) {
  return optionalSection(
    "Ties the account to a customer's account at the authority (external account binding); zerossl and google demand it.",
    {
      key_id: requiredKey(word, {
        says: 'The key identifier (kid) that the authority gave out.',
        example: 'kid-0123456789abcdef',
        ...(variables ? { variable: 'ACME_EAB_KEY_ID' } : {}),
      }),
      ...requiredSecret('hmac_key', base64, {
        says: 'The HMAC key that the authority gave out, base64url.',
        example: 'c29tZXRoaW5nIHRoYXQgdGhlIGF1dGhvcml0eSBnYXZlIG91dA',
        exampleFile: 'certs/eab.key',
        ...(variables ? { variable: 'ACME_EAB_HMAC_KEY' } : {}),
      }),
    },
  );
}

/** `acme`: the authority, how names are proved to it, and what kind of certificate it should give. */
export const acmeSection = section('How certificates are got when `certificates` is acme.', {
  directory: defaultKey(acmeDirectory, {
    says: 'The certificate authority: letsencrypt, letsencrypt-staging, zerossl, google, or the https URL of its ACME directory.',
    example: 'letsencrypt',
    default: 'letsencrypt',
    variable: 'ACME_DIRECTORY',
  }),
  email: optionalKey(emailAddress, {
    says: 'Where the certificate authority may write to.',
    example: 'admin@example.com',
    otherwise: 'no address is given',
    variable: 'ACME_EMAIL',
  }),
  agree_to_terms: defaultKey(yesOrNo, {
    says: 'To use a certificate authority is to agree to its terms of service. With false, no account is made with one that has terms.',
    example: true,
    default: true,
  }),
  external_account: externalAccount(true),
  ca_file: optionalKey(path, {
    says: 'PEM file with the authority that signed the certificate of a private ACME directory.',
    example: 'pebble.pem',
    otherwise: 'the public authorities are trusted',
    variable: 'ACME_CA_FILE',
  }),
  challenges: defaultKey(choices('tls-alpn-01', 'http-01', 'dns-01', 'dns-persist-01'), {
    says: 'How to prove that a name is ours, in order of preference: tls-alpn-01 on the https listener, http-01 on the http listener, dns-01 by records that `dns` writes, dns-persist-01 by one record that you write.',
    example: ['http-01'],
    default: ['tls-alpn-01', 'http-01'],
  }),
  dns: dnsProviders,
  resolvers: defaultKey(resolvers, {
    says: 'Addresses of the DNS servers that are asked before an order and while a record spreads. The DNS servers of the system when the list is empty.',
    example: ['192.0.2.53', '[2001:db8::53]:5353'],
    default: [],
  }),
  profile: optionalKey(word, {
    says: 'The kind of certificate, by the name that the authority has for it: classic, tlsserver or shortlived at letsencrypt. IP addresses get shortlived where it is needed.',
    example: 'tlsserver',
    otherwise: 'the authority chooses',
    variable: 'ACME_PROFILE',
  }),
  key: defaultKey(choice('ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-4096'), {
    says: 'The kind of private key. Each certificate has a new one.',
    example: 'ecdsa-p384',
    default: 'ecdsa-p256',
  }),
  preferred_chain: optionalKey(nonEmptyText, {
    says: 'Where the authority offers several chains: common name of an issuer, best the topmost, in the one to take.',
    example: 'ISRG Root X1',
    otherwise: 'the first that is offered',
  }),
  fallback: optionalSection(
    'A second certificate authority, asked when the first keeps failing.',
    {
      directory: requiredKey(acmeDirectory, {
        says: 'The second authority, written like `directory` of the first.',
        example: 'zerossl',
      }),
      external_account: externalAccount(false),
      ca_file: optionalKey(path, {
        says: 'PEM file with the authority that signed the certificate of its directory, if that is private.',
        example: 'private-ca.pem',
        otherwise: 'the public authorities are trusted',
      }),
    },
    { shown: ['directory', 'external_account'] },
  ),
});
