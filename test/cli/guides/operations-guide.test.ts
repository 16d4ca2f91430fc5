import { describe, expect, it } from 'vitest';
import { fillGuide, guidePath, listShown, readExample, readGuide } from './fill-guide.ts';
import { createOperationsScenes } from './operations-scenes.ts';

const GUIDE = 'operations.md';
const text = readGuide(GUIDE);
const scenes = createOperationsScenes(readExample(text, 'one-server'));

describe('docs/operations.md', () => {
  it('shows what the program prints (vitest -u writes it anew)', async () => {
    await expect(await fillGuide(text, scenes)).toMatchFileSnapshot(guidePath(GUIDE));
  });

  it('shows every scene, and nothing that none has made', () => {
    expect([...listShown(text)].sort()).toEqual(Object.keys(scenes).sort());
    expect(text.match(/^```text$/gm)).toHaveLength(listShown(text).length);
  });
});
