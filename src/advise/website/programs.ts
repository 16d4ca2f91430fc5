import type { WebsiteSnippet } from '../advice.ts';
import { FOLDER, type WebsiteFacts } from './website-facts.ts';

/** The Worker's entry, and what passes a request on: both are called by Cloudflare's machines, not by ours. */
const HANDLER = 'fetch';

/** A Cloudflare Worker before any website: it answers for the documents and passes everything else on. */
export function describeCloudflareWorker({ host, documents }: WebsiteFacts): WebsiteSnippet {
  const lines = [
    'const documents = {',
    ...documents.map(({ path, body }) => `  ${JSON.stringify(path)}: ${quoteScript(body)},`),
    '};',
    'export default {',
    `  async ${HANDLER}(request) {`,
    '    const body = documents[new URL(request.url).pathname];',
    `    if (body === undefined) return ${HANDLER}(request);`,
    "    const headers = { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' };",
    '    return new Response(body, { headers });',
    '  },',
    '};',
  ];
  return {
    id: 'cloudflare-worker',
    title: 'Cloudflare Worker',
    variants: [
      {
        kind: 'documents',
        blocks: [
          { caption: `A Worker with the route ${host}${FOLDER}*`, format: 'javascript', text: lines.join('\n') },
        ],
      },
    ],
    notes: [`The DNS record of ${host} has to be proxied by Cloudflare (orange cloud) for the route to be asked.`],
  };
}

/** WordPress on any web server: a must-use plug-in, which is loaded before WordPress looks for a page. */
export function describeWordpress({ documents }: WebsiteFacts): WebsiteSnippet {
  const lines = [
    '<?php',
    '/* Plugin Name: Matrix well-known documents */',
    '$documents = [',
    ...documents.map(({ path, body }) => `    ${quotePhp(path)} => ${quotePhp(body)},`),
    '];',
    "$path = strtok($_SERVER['REQUEST_URI'] ?? '', '?');",
    'if (isset($documents[$path])) {',
    '    http_response_code(200);',
    "    header('Content-Type: application/json');",
    "    header('Access-Control-Allow-Origin: *');",
    '    echo $documents[$path];',
    '    exit;',
    '}',
  ];
  return {
    id: 'wordpress',
    title: 'WordPress',
    variants: [
      {
        kind: 'documents',
        blocks: [{ caption: 'wp-content/mu-plugins/matrix-well-known.php', format: 'php', text: lines.join('\n') }],
      },
    ],
    notes: [
      'Permalinks must not be "plain", so that such addresses reach WordPress at all.',
      'Where the web server refuses everything that begins with a dot, allow /.well-known/ first.',
    ],
  };
}

/** JSON is JavaScript between single quotes once those and backslashes are escaped. */
function quoteScript(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`;
}

/** PHP's single quotes know two escapes, and no variables. */
function quotePhp(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
