import { describe, expect, it } from 'vitest';
import { renderWarning, type Warning } from '../../src/observe/warning-message.ts';

const WARNING: Warning = {
  about: 'certificate',
  event: 'began',
  level: 'at-risk',
  names: ['a.test'],
  message: 'The certificate for a.test expires soon.',
  expires: Date.UTC(2026, 0, 2),
  nextAttempt: undefined,
  why: undefined,
};

describe('the message of a warning', () => {
  it('has every field, null where nothing is known, and a text for chat services', () => {
    expect(renderWarning(WARNING)).toEqual({
      about: 'certificate',
      event: 'began',
      level: 'at-risk',
      names: ['a.test'],
      message: 'The certificate for a.test expires soon.',
      fix: null,
      expires: '2026-01-02T00:00:00.000Z',
      next_attempt: null,
      why: null,
      text: 'matrix-sidecar: The certificate for a.test expires soon.',
      html: 'matrix-sidecar: The certificate for a.test expires soon.',
    });
  });

  it('has no mark-up of what others said in its text, and no lines of theirs', () => {
    const message = 'The CA said: "<!channel>\n<!DOCTYPE html>\u202e\u0007".';
    const rendered = renderWarning({ ...WARNING, message, why: `${message}\r\n` });
    expect(rendered.text).toBe('matrix-sidecar: The CA said: "‹!channel› ‹!DOCTYPE html› ".');
    expect(rendered.why).toBe('The CA said: "<!channel> <!DOCTYPE html> ".');
  });

  it('calls nobody that a stranger wants called', () => {
    const message = 'The document is "@room @Channel @all @here ops@hereford.test".';
    const { text, html } = renderWarning({ ...WARNING, message });
    expect(text).toBe('matrix-sidecar: The document is "＠room ＠Channel ＠all ＠here ops@hereford.test".');
    expect(html).not.toMatch(/@(room|channel|all|here)\b/i);
  });

  it.each([
    ['a stranger wrote it', 'The document is "\ud800".'],
    ['it is cut', `${'x'.repeat(1_999)}\u{1f600}`],
  ])('has no half of a character where %s, which no homeserver takes', (_, message) => {
    const rendered = renderWarning({ ...WARNING, message });
    expect([rendered.message, rendered.text, rendered.html].every((one) => one.isWellFormed())).toBe(true);
  });

  it('says what to do on a line of its own, and as HTML for matrix-hookshot', () => {
    const message = 'a_b_c differs: <b>"&".';
    expect(renderWarning({ ...WARNING, message, fix: 'Publish\n{"a":1}.' })).toMatchObject({
      fix: 'Publish {"a":1}.',
      text: 'matrix-sidecar: a_b_c differs: ‹b›"&".\nTo do: Publish {"a":1}.',
      html: 'matrix-sidecar: a_b_c differs: &lt;b&gt;&quot;&amp;&quot;.<br>To do: Publish {&quot;a&quot;:1}.',
    });
  });

  it('is bounded, whatever a CA says', () => {
    const { text, why } = renderWarning({ ...WARNING, message: 'x'.repeat(1e6), why: 'y'.repeat(1e6) });
    expect([text.length, why?.length].every((length) => length !== undefined && length < 2_100)).toBe(true);
  });

  it.each([Number.NaN, 1e300])('survives an instant that is none: %s', (at) => {
    expect(renderWarning({ ...WARNING, expires: at }).expires).toBeNull();
  });
});
