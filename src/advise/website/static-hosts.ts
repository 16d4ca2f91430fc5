import type { Block, WebsiteSnippet } from '../advice.ts';
import { FOLDER, renderShellFiles, type WebsiteDocument, type WebsiteFacts } from './website-facts.ts';

const HEADERS = [`${FOLDER}*`, '  Content-Type: application/json', '  Access-Control-Allow-Origin: *'].join('\n');

function filesBlock(documents: readonly WebsiteDocument[], root: string): Block {
  return {
    caption: `The files; ${root} stands for the folder that is published`,
    format: 'shell',
    text: renderShellFiles(documents, root),
  };
}

/** Netlify: `_headers` for files, `_redirects` with status 200 to fetch from somewhere else. */
export function describeNetlify({ documents, sidecar }: WebsiteFacts): WebsiteSnippet {
  const headers: Block = { caption: '_headers, in the folder that is published', format: 'text', text: HEADERS };
  const proxy: Block = {
    caption: '_redirects, in the folder that is published, before other rules',
    format: 'text',
    text: `${FOLDER}* ${sidecar}${FOLDER}:splat 200`,
  };
  return {
    id: 'netlify',
    title: 'Netlify',
    variants: [
      { kind: 'documents', blocks: [filesBlock(documents, 'public'), headers] },
      ...(sidecar === undefined ? [] : [{ kind: 'proxy' as const, blocks: [proxy] }]),
    ],
    notes: [
      'Files of those names must not be there for the proxy to be asked.',
      'A rule of status 301 or 302 would come without CORS: _headers says nothing about redirects.',
    ],
  };
}

/** Cloudflare Pages: a redirect would come without the headers of `_headers`. */
export function describeCloudflarePages({ documents }: WebsiteFacts): WebsiteSnippet {
  return {
    id: 'cloudflare-pages',
    title: 'Cloudflare Pages',
    variants: [
      {
        kind: 'documents',
        blocks: [
          filesBlock(documents, 'public'),
          { caption: '_headers, in the build output folder', format: 'text', text: HEADERS },
        ],
      },
    ],
    notes: ['No _redirects here: they take precedence over _headers, so browsers would miss CORS.'],
  };
}

/** GitHub Pages has no settings for headers. */
export function describeGithubPages({ documents }: WebsiteFacts): WebsiteSnippet {
  const nojekyll: Block = {
    caption: 'Without this, Jekyll leaves out folders that begin with a dot',
    format: 'shell',
    text: 'touch docs/.nojekyll',
  };
  const workflow: Block = {
    caption: 'Only where a workflow publishes: actions/upload-pages-artifact leaves them out as well',
    format: 'yaml',
    text: ['- uses: actions/upload-pages-artifact@v5', '  with:', '    include-hidden-files: true'].join('\n'),
  };
  return {
    id: 'github-pages',
    title: 'GitHub Pages',
    variants: [{ kind: 'documents', blocks: [filesBlock(documents, 'docs'), nojekyll, workflow] }],
    notes: [
      'The content type will be application/octet-stream, and cannot be changed; other servers must ignore it, and clients do.',
      'CORS is there already: GitHub sends Access-Control-Allow-Origin: * with everything.',
      'Redirects are not possible, so the files have to be changed by hand when this configuration changes.',
    ],
  };
}
