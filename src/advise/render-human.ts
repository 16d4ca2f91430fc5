import type { Advice, Block, Step, WebsiteSnippet } from './advice.ts';
import { wrapText } from './wrap-text.ts';

/** How text is made to stand out; the identity where no colour is wanted. */
export interface AdvicePaint {
  strong(text: string): string;
  faint(text: string): string;
  bad(text: string): string;
}

export interface HumanOptions {
  readonly paint: AdvicePaint;
  /** For which web servers the ready-made configuration is wanted. */
  readonly websites: readonly string[];
  /** Every id that there is, for the hint. */
  readonly known: readonly string[];
}

const INDENT = '   ';
const NEXT = 'Then: matrix-sidecar advise --watch waits until all of it is live, and says so.';

/** All servers, one after the other; the verdicts first where there are several. Pure. */
export function renderAdvice(all: readonly Advice[], options: HumanOptions): string {
  const { paint } = options;
  const blocks = all.map((advice) => renderServer(advice, options));
  const next = `\n${paint.faint(NEXT)}\n`;
  if (all.length === 1) return blocks.join('') + next;
  const overview = `${all.map((advice) => renderVerdict(advice, paint)).join('\n')}\n`;
  return [overview, ...blocks].join(`\n${paint.faint('-'.repeat(78))}\n\n`) + next;
}

function renderVerdict({ serverName, verdict, delegation }: Advice, { strong, bad }: AdvicePaint): string {
  const lost = delegation.method === 'none' && delegation.needed;
  return `${strong(serverName)}: ${lost ? bad(verdict) : verdict}`;
}

function renderServer(advice: Advice, options: HumanOptions): string {
  const { paint } = options;
  const { delegation, certificates, documents, todo } = advice;
  const parts = [renderVerdict(advice, paint)];
  parts.push(...todo.map((step, index) => renderStep(step, index + 1, advice, options)));
  parts.push(renderList('Why', [delegation.why, delegation.whyMethod, ...delegation.remarks], paint));
  parts.push(
    renderList(
      'Certificates',
      certificates.map(({ how, names }) => {
        const lines = names.map(({ name, why, proof }) => {
          const proved = proof === undefined ? '' : `; proved ${proof}`;
          return wrapText(`  ${name}: ${why}${proved}`, '    ');
        });
        return [wrapText(how, '  '), ...lines].join('\n');
      }),
      paint,
    ),
  );
  const here = documents.filter(({ by }) => by === 'sidecar').map(({ url, body }) => `${url}\n  ${body}`);
  if (here.length > 0) parts.push(renderList('Published by this sidecar, nothing to do', here, paint, false));
  return `${parts.join('\n\n')}\n`;
}

function renderList(title: string, items: readonly string[], { strong }: AdvicePaint, wraps = true): string {
  const lines = items.map((item) => `- ${wraps && !item.includes('\n') ? wrapText(item, '  ') : item}`);
  return `${strong(title)}\n${lines.join('\n')}`;
}

function renderStep(step: Step, number: number, advice: Advice, options: HumanOptions): string {
  const { paint, websites, known } = options;
  const parts = [
    [paint.strong(wrapText(`${number}. ${step.title}`, INDENT)), ...step.notes.map(renderNote)].join('\n'),
    ...step.blocks.map((block) => renderBlock(block, paint)),
  ];
  if (step.id === 'website') {
    const wanted = advice.website.filter(({ id }) => websites.includes(id));
    parts.push(...wanted.map((snippet) => renderSnippet(snippet, paint)));
    if (wanted.length === 0) parts.push(renderNote(`Ready to paste: add --web ${known.join(' | ')}`));
  }
  return parts.join('\n\n');
}

function renderNote(note: string): string {
  return wrapText(`${INDENT}${note}`, INDENT);
}

/** What is to be copied begins at the left edge, and is never wrapped. */
function renderBlock({ caption, text }: Block, { faint }: AdvicePaint): string {
  return caption === undefined ? text : `${faint(`${INDENT}${caption}:`)}\n${text}`;
}

const KINDS = {
  documents: 'that has the documents itself',
  redirect: 'that redirects to the sidecar',
  proxy: 'that asks the sidecar',
};

function renderSnippet({ title, variants, notes }: WebsiteSnippet, paint: AdvicePaint): string {
  const parts = variants.flatMap(({ kind, blocks }, index) => [
    paint.strong(`${INDENT}${index === 0 ? '' : 'Or '}${title} ${KINDS[kind]}`),
    ...blocks.map((block) => renderBlock(block, paint)),
  ]);
  return [...parts, notes.map(renderNote).join('\n')].join('\n\n');
}
