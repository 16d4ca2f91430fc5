import { describe, expect, it } from 'vitest';
import { fillGuide, guidePath, listShown, readExample, readGuide } from './fill-guide.ts';
import { createHostingScenes } from './hosting-scenes.ts';

const GUIDE = 'hosting-for-others.md';
const text = readGuide(GUIDE);
const scenes = createHostingScenes(readExample(text, 'customers'));

describe('docs/hosting-for-others.md', () => {
  it('shows what the program prints (vitest -u writes it anew)', async () => {
    await expect(await fillGuide(text, scenes)).toMatchFileSnapshot(guidePath(GUIDE));
  });

  it('shows every scene, and nothing that none has made', () => {
    expect([...listShown(text)].sort()).toEqual(Object.keys(scenes).sort());
    expect(text.match(/^```text$/gm)).toHaveLength(listShown(text).length);
  });
});
