import { describe, expect, it } from 'vitest';
import { sayRate, sayShare, viewTraffic } from '../../src/admin/view/traffic-view.ts';

const series = (surface: string, status: string, requests: number[]) => ({ surface, status, requests });

describe('the traffic', () => {
  it('is told in requests per second, in all and by surface', () => {
    const view = viewTraffic({
      ...{ step_seconds: 5, from: '', steps: 4 },
      series: [
        series('client', '2xx', [0, 10, 10, 40]),
        series('client', '4xx', [0, 0, 5, 0]),
        series('federation', '3xx', [5, 0, 0, 0]),
        series('federation', '5xx', [0, 0, 0, 10]),
        series('federation', 'none', [0, 5, 0, 0]),
      ],
    });
    expect(view.steps).toEqual([
      { fine: 1, refused: 0, failed: 0 },
      { fine: 2, refused: 1, failed: 0 },
      { fine: 2, refused: 1, failed: 0 },
      { fine: 8, refused: 0, failed: 2 },
    ]);
    expect([view.now, view.mean, view.most]).toEqual([16 / 3, 17 / 4, 10]);
    expect(view.failedShare).toBeCloseTo(10 / 85);
    expect(view.surfaces.map(({ surface, mean }) => [surface, mean])).toEqual([
      ['client', 3.25],
      ['federation', 1],
    ]);
  });

  it('is nothing where there was none', () => {
    const { most, mean, now, failedShare, surfaces } = viewTraffic({
      step_seconds: 5,
      from: '',
      steps: 120,
      series: [],
    });
    expect([most, mean, now, failedShare, surfaces]).toEqual([0, 0, 0, 0, []]);
  });

  it.each([
    [0, '0'],
    [0.02, 'under 0.1'],
    [0.25, '0.3'],
    [9.96, '10.0'],
    [12.4, '12'],
    [12_345.6, '12,346'],
  ])('a rate of %f is said as %s', (rate, said) => expect(sayRate(rate)).toBe(said));

  it.each([
    [0, '0 %'],
    [0.0004, 'under 0.1 %'],
    [0.0312, '3.1 %'],
    [0.5, '50 %'],
    [1, '100 %'],
  ])('a share of %f is said as %s', (share, said) => expect(sayShare(share)).toBe(said));
});
