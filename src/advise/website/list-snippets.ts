import type { WebsiteSnippet } from '../advice.ts';
import { describeApache } from './apache.ts';
import { describeCaddy } from './caddy.ts';
import { describeNginx } from './nginx.ts';
import { describeCloudflareWorker, describeWordpress } from './programs.ts';
import { describeCloudflarePages, describeGithubPages, describeNetlify } from './static-hosts.ts';
import type { WebsiteFacts } from './website-facts.ts';

/** For which web servers and hosts there is something ready-made. */
export const WEBSITES = [
  'nginx',
  'apache',
  'caddy',
  'netlify',
  'cloudflare-pages',
  'cloudflare-worker',
  'github-pages',
  'wordpress',
] as const;

const DESCRIBE: Readonly<Record<(typeof WEBSITES)[number], (facts: WebsiteFacts) => WebsiteSnippet>> = {
  nginx: describeNginx,
  apache: describeApache,
  caddy: describeCaddy,
  netlify: describeNetlify,
  'cloudflare-pages': describeCloudflarePages,
  'cloudflare-worker': describeCloudflareWorker,
  'github-pages': describeGithubPages,
  wordpress: describeWordpress,
};

/** Configuration for each of them that publishes the documents with the right content type and CORS. */
export function listSnippets(facts: WebsiteFacts): readonly WebsiteSnippet[] {
  return facts.documents.length === 0 ? [] : WEBSITES.map((id) => DESCRIBE[id](facts));
}
