import { escapeHtml } from '../../federation-tester/render-html-text.ts';
import type { Moment, Word } from '../view/tone.ts';

/** A word with its colour. */
export function renderBadge({ tone, word }: Word): string {
  return `<span class="badge ${tone}">${escapeHtml(word)}</span>`;
}

/** How far away it is, with the instant itself for who wants to know. */
export function renderMoment({ at, away }: Moment): string {
  return `<time datetime="${escapeHtml(at)}" title="${writeInstant(at)}">${escapeHtml(away)}</time>`;
}

/** The day alone, with the instant for who wants to know. */
export function renderDay({ at }: Moment): string {
  return `<time datetime="${escapeHtml(at)}" title="${writeInstant(at)}">${escapeHtml(at.slice(0, at.indexOf('T')))}</time>`;
}

/** `2026-11-23 14:05 UTC` */
export function writeInstant(at: string): string {
  return escapeHtml(`${at.slice(0, 16).replace('T', ' ')} UTC`);
}

/** From 0 to 1, as a length in a drawing. */
export function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100}%`;
}

/** A part of the page with its heading. `id` is unique on the page. */
export function renderSection(id: string, title: string, body: string): string {
  return `<section aria-labelledby="${id}"><h3 id="${id}">${title}</h3>\n${body}</section>\n`;
}
