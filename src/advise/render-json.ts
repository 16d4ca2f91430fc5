import type { Advice } from './advice.ts';

/** `advise --format json`: the same facts as the text. Pure. */
export function renderAdviceJson(advice: readonly Advice[]): string {
  return `${JSON.stringify({ servers: advice.map(describe) }, undefined, 2)}\n`;
}

function describe(advice: Advice) {
  const { delegation, certificates, documents, website } = advice;
  const { needed, why, method, whyMethod, remarks } = delegation;
  return {
    server_name: advice.serverName,
    verdict: advice.verdict,
    delegation: { needed, why, method, why_method: whyMethod, remarks },
    ways: advice.ways.map(({ step, by, host, port, certificateName, hostHeader }) => {
      return { step, by, host, port, certificate_name: certificateName, host_header: hostHeader };
    }),
    documents: documents.map(({ name, url, body, headers, by }) => ({ name, url, body, headers, published_by: by })),
    dns: advice.dns,
    certificates,
    homeserver_yaml: advice.homeserver,
    website,
    todo: advice.todo,
  };
}
